"""paper drafts

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'


def upgrade():
    op.create_table('paper_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('audience', sa.String(), nullable=True),
    sa.Column('banks', sa.JSON(), nullable=False),
    sa.Column('rules', sa.JSON(), nullable=False),
    sa.Column('fixed', sa.JSON(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paper_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['paper_id'], ['paper_paper.id'], name=op.f('fk_paper_draft_paper_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paper_draft')),
    sa.UniqueConstraint('code', name=op.f('uq_paper_draft_code'))
    )


def downgrade():
    op.drop_table('paper_draft')
