"""bulletins

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'


def upgrade():
    op.create_table('bulletin_issue',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('period', sa.String(), nullable=False),
    sa.Column('issue_no', sa.Integer(), nullable=False),
    sa.Column('corrects_id', sa.Integer(), nullable=True),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('issued_by', sa.String(), nullable=False),
    sa.Column('anchor_seq', sa.Integer(), nullable=False),
    sa.Column('anchor_hash', sa.String(), nullable=False),
    sa.CheckConstraint("period IN ('week', 'month', 'year')", name=op.f('ck_bulletin_issue_period')),
    sa.CheckConstraint('issue_no >= 1', name=op.f('ck_bulletin_issue_issue_no')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign_campaign.id'], name=op.f('fk_bulletin_issue_campaign_id')),
    sa.ForeignKeyConstraint(['corrects_id'], ['bulletin_issue.id'], name=op.f('fk_bulletin_issue_corrects_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_bulletin_issue_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bulletin_issue')),
    sa.UniqueConstraint('campaign_id', 'unit_id', 'period', 'issue_no', name=op.f('uq_bulletin_issue_campaign_id_unit_id_period_issue_no')),
    sa.UniqueConstraint('corrects_id', name=op.f('uq_bulletin_issue_corrects_id'))
    )
    with op.batch_alter_table('bulletin_issue', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bulletin_issue_unit_id'), ['unit_id'], unique=False)

    op.create_table('bulletin_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('period', sa.String(), nullable=False),
    sa.Column('corrects_id', sa.Integer(), nullable=True),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_by', sa.String(), nullable=False),
    sa.CheckConstraint("period IN ('week', 'month', 'year')", name=op.f('ck_bulletin_draft_period')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign_campaign.id'], name=op.f('fk_bulletin_draft_campaign_id')),
    sa.ForeignKeyConstraint(['corrects_id'], ['bulletin_issue.id'], name=op.f('fk_bulletin_draft_corrects_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_bulletin_draft_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bulletin_draft')),
    sa.UniqueConstraint('campaign_id', 'unit_id', 'period', name=op.f('uq_bulletin_draft_campaign_id_unit_id_period'))
    )
    with op.batch_alter_table('bulletin_draft', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bulletin_draft_unit_id'), ['unit_id'], unique=False)


def downgrade():
    with op.batch_alter_table('bulletin_draft', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bulletin_draft_unit_id'))

    op.drop_table('bulletin_draft')
    with op.batch_alter_table('bulletin_issue', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bulletin_issue_unit_id'))

    op.drop_table('bulletin_issue')
