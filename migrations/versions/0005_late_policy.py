"""late policies

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'

ACCEPTED = sa.text('accepted_at IS NOT NULL')


def upgrade():
    # The defaults say what every round so far has done, and go on saying it of what the program before this one
    # writes while both are running.
    with op.batch_alter_table('campaign_round', schema=None) as batch_op:
        batch_op.add_column(sa.Column('late', sa.String(), nullable=False, server_default='submit_from_saved'))
        batch_op.create_check_constraint(
            batch_op.f('ck_campaign_round_late'), "late IN ('submit_from_saved', 'accept_flagged', 'reject')"
        )
    # in place: a batch would copy the two largest tables on SQLite
    op.add_column(
        'attempt_participant', sa.Column('forgiven', sa.Integer(), nullable=False, server_default='0')
    )
    op.add_column('attempt_attempt', sa.Column('late', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table('attempt_late',
    sa.Column('attempt_id', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('acceptable', sa.Boolean(), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('was', sa.JSON(), nullable=True),
    sa.Column('answers_hash', sa.String(), nullable=True),
    sa.CheckConstraint('(accepted_at IS NULL) = (answers_hash IS NULL)', name=op.f('ck_attempt_late_accepted')),
    sa.CheckConstraint('accepted_at IS NULL OR acceptable', name=op.f('ck_attempt_late_acceptable')),
    sa.CheckConstraint('number BETWEEN 1 AND 5', name=op.f('ck_attempt_late_number')),
    sa.ForeignKeyConstraint(['attempt_id'], ['attempt_attempt.id'], name=op.f('fk_attempt_late_attempt_id')),
    sa.PrimaryKeyConstraint('attempt_id', 'number', name=op.f('pk_attempt_late'))
    )
    op.create_index(
        'uq_attempt_late_accepted', 'attempt_late', ['attempt_id'], unique=True, sqlite_where=ACCEPTED,
        postgresql_where=ACCEPTED,
    )


def downgrade():
    op.drop_table('attempt_late')
    op.drop_column('attempt_attempt', 'late')
    op.drop_column('attempt_participant', 'forgiven')
    with op.batch_alter_table('campaign_round', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_campaign_round_late'), type_='check')
        batch_op.drop_column('late')
