"""review of items

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'

ADDED = ('state', 'origin', 'author', 'reviewed_by', 'reviewed_at', 'published_at')


def upgrade():
    with op.batch_alter_table('bank_item', schema=None) as batch_op:
        batch_op.add_column(sa.Column('retired_by', sa.String(), nullable=True))
    # until now only the command line retired items
    op.execute("UPDATE bank_item SET retired_by = 'cli' WHERE retired_at IS NOT NULL")

    # Papers have been drawing from every wording there is: all came from files, and all count as published. The
    # defaults say the same of what the program before this one writes while both are running.
    with op.batch_alter_table('bank_item_version', schema=None) as batch_op:
        batch_op.add_column(sa.Column('state', sa.String(), nullable=False, server_default='published'))
        batch_op.add_column(sa.Column('origin', sa.String(), nullable=False, server_default='file'))
        batch_op.add_column(sa.Column('author', sa.String(), nullable=False, server_default='cli'))
        batch_op.add_column(sa.Column('reviewed_by', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('published_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_bank_item_version_state'), "state IN ('draft', 'reviewed', 'published')"
        )
        batch_op.create_check_constraint(batch_op.f('ck_bank_item_version_origin'), "origin IN ('file', 'web')")
    op.execute("UPDATE bank_item_version SET published_at = created_at")


def downgrade():
    with op.batch_alter_table('bank_item_version', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_bank_item_version_state'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_bank_item_version_origin'), type_='check')
        for name in reversed(ADDED):
            batch_op.drop_column(name)
    with op.batch_alter_table('bank_item', schema=None) as batch_op:
        batch_op.drop_column('retired_by')
