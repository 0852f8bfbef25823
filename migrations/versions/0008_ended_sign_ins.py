"""ended sign-ins

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'


def upgrade():
    op.create_table('staff_ended_sign_in',
    sa.Column('key_hash', sa.String(), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key_hash', name=op.f('pk_staff_ended_sign_in'))
    )
    with op.batch_alter_table('staff_ended_sign_in', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_staff_ended_sign_in_ends_at'), ['ends_at'], unique=False)


def downgrade():
    with op.batch_alter_table('staff_ended_sign_in', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_staff_ended_sign_in_ends_at'))
    op.drop_table('staff_ended_sign_in')
