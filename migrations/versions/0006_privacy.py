"""erasure and requests

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'

EXCUSED_SQLITE, EXCUSED_POSTGRESQL = sa.text('excused = 1'), sa.text('excused')
OPEN = sa.text("state = 'open'")


def upgrade():
    with op.batch_alter_table('campaign_campaign', schema=None) as batch_op:
        batch_op.add_column(sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('cleared_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('roster_enrolment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_roster_enrolment_person_id'), ['person_id'], unique=False)

    with op.batch_alter_table('attempt_participant', schema=None) as batch_op:
        batch_op.add_column(sa.Column('excused', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.alter_column('enrolment_id', existing_type=sa.Integer(), nullable=True)
        batch_op.create_index(
            'ix_attempt_participant_excused', ['round_id'], unique=False, sqlite_where=EXCUSED_SQLITE,
            postgresql_where=EXCUSED_POSTGRESQL,
        )

    with op.batch_alter_table('attempt_attempt', schema=None) as batch_op:
        batch_op.alter_column('resume', existing_type=sa.String(), nullable=True)
        batch_op.alter_column('receipt', existing_type=sa.String(), nullable=True)

    op.create_table('attempt_item_sum',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('shown', sa.Integer(), nullable=False),
    sa.Column('correct', sa.Integer(), nullable=False),
    sa.Column('chosen', sa.JSON(), nullable=False),
    sa.Column('blank', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_attempt_item_sum_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_attempt_item_sum_unit_id')),
    sa.PrimaryKeyConstraint('round_id', 'unit_id', 'item', name=op.f('pk_attempt_item_sum'))
    )

    op.create_table('rights_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('attempt_id', sa.String(), nullable=True),
    sa.Column('receipt_hash', sa.String(), nullable=True),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f('ck_rights_request_decided')),
    sa.CheckConstraint("kind IN ('correct', 'delete')", name=op.f('ck_rights_request_kind')),
    sa.CheckConstraint(
        "state IN ('open', 'granted', 'refused', 'lapsed')", name=op.f('ck_rights_request_state')
    ),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt_attempt.id'], name=op.f('fk_rights_request_attempt_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_rights_request_round_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_rights_request_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rights_request'))
    )
    with op.batch_alter_table('rights_request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rights_request_receipt_hash'), ['receipt_hash'], unique=False)
        batch_op.create_index(batch_op.f('ix_rights_request_unit_id'), ['unit_id'], unique=False)
        batch_op.create_index(
            'uq_rights_request_open', ['attempt_id', 'kind'], unique=True, sqlite_where=OPEN,
            postgresql_where=OPEN,
        )


def downgrade():
    # What has been erased cannot be made up again: enrolment_id, resume and receipt stay nullable.
    op.drop_table('rights_request')
    op.drop_table('attempt_item_sum')
    with op.batch_alter_table('attempt_participant', schema=None) as batch_op:
        batch_op.drop_index(
            'ix_attempt_participant_excused', sqlite_where=EXCUSED_SQLITE, postgresql_where=EXCUSED_POSTGRESQL
        )
        batch_op.drop_column('excused')
    with op.batch_alter_table('roster_enrolment', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_roster_enrolment_person_id'))
    with op.batch_alter_table('campaign_campaign', schema=None) as batch_op:
        batch_op.drop_column('cleared_at')
        batch_op.drop_column('erased_at')
