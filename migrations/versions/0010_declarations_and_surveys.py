"""declarations and surveys

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'


def upgrade():
    op.create_table('paper_sheet_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paper_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['paper_id'], ['paper_paper.id'], name=op.f('fk_paper_sheet_draft_paper_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_paper_sheet_draft')),
    sa.UniqueConstraint('code', name=op.f('uq_paper_sheet_draft_code'))
    )
    op.create_table('declaration_population',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(), nullable=False),
    sa.CheckConstraint('people >= 0', name=op.f('ck_declaration_population_people')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_declaration_population_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_declaration_population_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declaration_population'))
    )
    op.create_table('declaration_referral',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('enrolment_id', sa.Integer(), nullable=True),
    sa.Column('code', sa.String(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['enrolment_id'], ['roster_enrolment.id'], name=op.f('fk_declaration_referral_enrolment_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_declaration_referral_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_declaration_referral_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declaration_referral')),
    sa.UniqueConstraint('code', name=op.f('uq_declaration_referral_code')),
    sa.UniqueConstraint('round_id', 'enrolment_id', name=op.f('uq_declaration_referral_round_id_enrolment_id'))
    )
    op.create_table('declaration_total',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.Integer(), nullable=False),
    sa.Column('adopted', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('counted_on', sa.Date(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by', sa.String(), nullable=False),
    sa.CheckConstraint('adopted >= 0', name=op.f('ck_declaration_total_adopted')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_declaration_total_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_declaration_total_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declaration_total'))
    )
    op.create_table('survey_box',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('question', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.CheckConstraint("kind IN ('choices', 'words')", name=op.f('ck_survey_box_kind')),
    sa.CheckConstraint('count >= 0', name=op.f('ck_survey_box_count')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_survey_box_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_survey_box_unit_id')),
    sa.PrimaryKeyConstraint('round_id', 'unit_id', 'kind', 'question', 'number', name=op.f('pk_survey_box'))
    )
    op.create_table('survey_taken',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('question', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('option', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('taken', sa.Integer(), nullable=False),
    sa.CheckConstraint('taken BETWEEN 0 AND capacity', name=op.f('ck_survey_taken_capacity')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_survey_taken_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'question', 'option', name=op.f('pk_survey_taken'))
    )
    op.create_table('survey_turnout',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('head', sa.String(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_survey_turnout_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_survey_turnout_unit_id')),
    sa.PrimaryKeyConstraint('round_id', 'head', name=op.f('pk_survey_turnout')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('survey_turnout', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_turnout_unit_id'), ['unit_id'], unique=False)

    op.create_table('declaration_declaration',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('enrolment_id', sa.Integer(), nullable=True),
    sa.Column('link_id', sa.Integer(), nullable=True),
    sa.Column('paper_id', sa.Integer(), nullable=False),
    sa.Column('text_hash', sa.String(), nullable=False),
    sa.Column('signer', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('nameless', sa.Boolean(), nullable=False),
    sa.Column('met', sa.Boolean(), nullable=False),
    sa.Column('helped', sa.Boolean(), nullable=False),
    sa.Column('device_hash', sa.String(), nullable=True),
    sa.Column('receipt', sa.String(), nullable=True),
    sa.Column('name', sa.String(), nullable=True),
    sa.Column('signature', sa.String(), nullable=True),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('noted_on', sa.Date(), nullable=True),
    sa.Column('noted_by', sa.String(), nullable=True),
    sa.Column('referral_id', sa.Integer(), nullable=True),
    sa.Column('excused', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('voided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('void_reason', sa.String(), nullable=True),
    sa.CheckConstraint("channel IN ('phone', 'paper')", name=op.f('ck_declaration_declaration_channel')),
    sa.CheckConstraint("signer IN ('', 'guardian', 'student', 'staff', 'head', 'resident')", name=op.f('ck_declaration_declaration_signer')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['roster_enrolment.id'], name=op.f('fk_declaration_declaration_enrolment_id')),
    sa.ForeignKeyConstraint(['link_id'], ['link_link.id'], name=op.f('fk_declaration_declaration_link_id')),
    sa.ForeignKeyConstraint(['paper_id'], ['paper_paper.id'], name=op.f('fk_declaration_declaration_paper_id')),
    sa.ForeignKeyConstraint(['referral_id'], ['declaration_referral.id'], name=op.f('fk_declaration_declaration_referral_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_declaration_declaration_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_declaration_declaration_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declaration_declaration')),
    sa.UniqueConstraint('receipt', name=op.f('uq_declaration_declaration_receipt'))
    )
    with op.batch_alter_table('declaration_declaration', schema=None) as batch_op:
        batch_op.create_index('ix_declaration_declaration_heads', ['round_id', 'unit_id', 'met'], unique=False, sqlite_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'))
        batch_op.create_index('uq_declaration_declaration_device', ['round_id', 'device_hash'], unique=True, sqlite_where=sa.text('voided_at IS NULL AND replaced_at IS NULL AND nameless'), postgresql_where=sa.text('voided_at IS NULL AND replaced_at IS NULL AND nameless'))
        batch_op.create_index('uq_declaration_declaration_head', ['round_id', 'enrolment_id'], unique=True, sqlite_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'))

    op.create_table('declaration_item',
    sa.Column('declaration_id', sa.String(), nullable=False),
    sa.Column('item', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('steps', sa.Integer(), nullable=False),
    sa.Column('proof', sa.String(), nullable=False),
    sa.CheckConstraint("proof IN ('declared', 'checked', 'verified')", name=op.f('ck_declaration_item_proof')),
    sa.CheckConstraint("state IN ('adopted', 'partial', 'not', 'na')", name=op.f('ck_declaration_item_state')),
    sa.ForeignKeyConstraint(['declaration_id'], ['declaration_declaration.id'], name=op.f('fk_declaration_item_declaration_id')),
    sa.PrimaryKeyConstraint('declaration_id', 'item', name=op.f('pk_declaration_item'))
    )
    with op.batch_alter_table('campaign_round', schema=None) as batch_op:
        batch_op.add_column(sa.Column('approval', sa.String(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('referrals', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade():
    with op.batch_alter_table('campaign_round', schema=None) as batch_op:
        batch_op.drop_column('referrals')
        batch_op.drop_column('approval')

    op.drop_table('declaration_item')
    with op.batch_alter_table('declaration_declaration', schema=None) as batch_op:
        batch_op.drop_index('uq_declaration_declaration_head', sqlite_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'))
        batch_op.drop_index('uq_declaration_declaration_device', sqlite_where=sa.text('voided_at IS NULL AND replaced_at IS NULL AND nameless'), postgresql_where=sa.text('voided_at IS NULL AND replaced_at IS NULL AND nameless'))
        batch_op.drop_index('ix_declaration_declaration_heads', sqlite_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'), postgresql_where=sa.text('voided_at IS NULL AND replaced_at IS NULL'))

    op.drop_table('declaration_declaration')
    with op.batch_alter_table('survey_turnout', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_turnout_unit_id'))

    op.drop_table('survey_turnout')
    op.drop_table('survey_taken')
    op.drop_table('survey_box')
    op.drop_table('declaration_total')
    op.drop_table('declaration_referral')
    op.drop_table('declaration_population')
    op.drop_table('paper_sheet_draft')
