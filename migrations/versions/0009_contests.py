"""contests

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'


def upgrade():
    op.create_table('campaign_round_paper',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('paper_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['paper_id'], ['paper_paper.id'], name=op.f('fk_campaign_round_paper_paper_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_campaign_round_paper_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'day', 'role', name=op.f('pk_campaign_round_paper'))
    )
    op.create_table('contest_board',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.CheckConstraint("stage IN ('live', 'frozen', 'final')", name=op.f('ck_contest_board_stage')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_contest_board_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'stage', name=op.f('pk_contest_board'))
    )
    op.create_table('contest_progress',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('seen_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('looked_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_contest_progress_round_id')),
    sa.PrimaryKeyConstraint('round_id', name=op.f('pk_contest_progress'))
    )
    op.create_table('draw_draw',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('rules_version', sa.Integer(), nullable=False),
    sa.Column('rules_hash', sa.String(), nullable=False),
    sa.Column('list_hash', sa.String(), nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('waves', sa.JSON(), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('frozen_by', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_draw_draw_round_id')),
    sa.PrimaryKeyConstraint('round_id', name=op.f('pk_draw_draw')),
    sa.UniqueConstraint('id', name=op.f('uq_draw_draw_id'))
    )
    op.create_table('prize_move',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.CheckConstraint("stage IN ('announced', 'handing_out', 'closed')", name=op.f('ck_prize_move_stage')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_prize_move_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'stage', name=op.f('pk_prize_move'))
    )
    op.create_table('rulebook_draft',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_by', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_rulebook_draft_round_id')),
    sa.PrimaryKeyConstraint('round_id', name=op.f('pk_rulebook_draft'))
    )
    op.create_table('rulebook_version',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_by', sa.String(), nullable=False),
    sa.CheckConstraint("number = 1 OR reason <> ''", name=op.f('ck_rulebook_version_reason')),
    sa.CheckConstraint('number >= 1', name=op.f('ck_rulebook_version_number')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_rulebook_version_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'number', name=op.f('pk_rulebook_version'))
    )
    op.create_table('attempt_player',
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('device_hash', sa.String(), nullable=True),
    sa.Column('nickname', sa.String(), nullable=False),
    sa.Column('place_id', sa.Integer(), nullable=True),
    sa.Column('trade_id', sa.Integer(), nullable=True),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('entry_id', sa.String(), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['participant_id'], ['attempt_participant.id'], name=op.f('fk_attempt_player_participant_id')),
    sa.ForeignKeyConstraint(['place_id'], ['roster_unit.id'], name=op.f('fk_attempt_player_place_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_attempt_player_round_id')),
    sa.ForeignKeyConstraint(['trade_id'], ['roster_unit.id'], name=op.f('fk_attempt_player_trade_id')),
    sa.PrimaryKeyConstraint('participant_id', name=op.f('pk_attempt_player')),
    sa.UniqueConstraint('entry_id', name=op.f('uq_attempt_player_entry_id')),
    sa.UniqueConstraint('round_id', 'device_hash', name=op.f('uq_attempt_player_round_id_device_hash'))
    )
    op.create_table('contest_flag',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['participant_id'], ['attempt_participant.id'], name=op.f('fk_contest_flag_participant_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_contest_flag_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contest_flag')),
    sa.UniqueConstraint('participant_id', 'kind', name=op.f('uq_contest_flag_participant_id_kind'))
    )
    with op.batch_alter_table('contest_flag', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contest_flag_round_id_kind'), ['round_id', 'kind'], unique=False)

    op.create_table('contest_ruling',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('cause', sa.String(), server_default='', nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.CheckConstraint("verdict IN ('cleared', 'excluded', 'restored')", name=op.f('ck_contest_ruling_verdict')),
    sa.ForeignKeyConstraint(['participant_id'], ['attempt_participant.id'], name=op.f('fk_contest_ruling_participant_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_contest_ruling_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contest_ruling'))
    )
    with op.batch_alter_table('contest_ruling', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contest_ruling_round_id_participant_id'), ['round_id', 'participant_id'], unique=False)

    op.create_table('contest_score',
    sa.Column('participant_id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('place_id', sa.Integer(), nullable=True),
    sa.Column('trade_id', sa.Integer(), nullable=True),
    sa.Column('goes', sa.Integer(), nullable=False),
    sa.Column('points', sa.Integer(), nullable=False),
    sa.Column('out_of', sa.Integer(), nullable=False),
    sa.Column('used_s', sa.Integer(), nullable=False),
    sa.Column('reached_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('best_permyriad', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['participant_id'], ['attempt_participant.id'], name=op.f('fk_contest_score_participant_id')),
    sa.ForeignKeyConstraint(['place_id'], ['roster_unit.id'], name=op.f('fk_contest_score_place_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_contest_score_round_id')),
    sa.ForeignKeyConstraint(['trade_id'], ['roster_unit.id'], name=op.f('fk_contest_score_trade_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['roster_unit.id'], name=op.f('fk_contest_score_unit_id')),
    sa.PrimaryKeyConstraint('participant_id', name=op.f('pk_contest_score'))
    )
    with op.batch_alter_table('contest_score', schema=None) as batch_op:
        batch_op.create_index('ix_contest_score_place', ['round_id', 'place_id', 'points'], unique=False)
        batch_op.create_index('ix_contest_score_standing', ['round_id', 'points', 'used_s', 'reached_at'], unique=False)
        batch_op.create_index('ix_contest_score_trade', ['round_id', 'trade_id', 'points'], unique=False)

    op.create_table('draw_notice',
    sa.Column('draw_id', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['draw_id'], ['draw_draw.id'], name=op.f('fk_draw_notice_draw_id')),
    sa.PrimaryKeyConstraint('draw_id', 'number', name=op.f('pk_draw_notice'))
    )
    op.create_table('draw_piece',
    sa.Column('draw_id', sa.String(), nullable=False),
    sa.Column('file', sa.String(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['draw_id'], ['draw_draw.id'], name=op.f('fk_draw_piece_draw_id')),
    sa.PrimaryKeyConstraint('draw_id', 'file', 'number', name=op.f('pk_draw_piece'))
    )
    op.create_table('draw_result',
    sa.Column('draw_id', sa.String(), nullable=False),
    sa.Column('public_value', sa.String(), nullable=False),
    sa.Column('proof', sa.String(), nullable=False),
    sa.Column('seed', sa.String(), nullable=False),
    sa.Column('order_hash', sa.String(), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('frozen_by', sa.String(), nullable=False),
    sa.Column('drawn_by', sa.String(), nullable=False),
    sa.CheckConstraint('drawn_by <> frozen_by', name=op.f('ck_draw_result_two_people')),
    sa.ForeignKeyConstraint(['draw_id'], ['draw_draw.id'], name=op.f('fk_draw_result_draw_id')),
    sa.PrimaryKeyConstraint('draw_id', name=op.f('pk_draw_result'))
    )
    op.create_table('draw_winner',
    sa.Column('draw_id', sa.String(), nullable=False),
    sa.Column('tier', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('entry_id', sa.String(), nullable=False),
    sa.CheckConstraint("by IN ('draw', 'standing')", name=op.f('ck_draw_winner_by')),
    sa.ForeignKeyConstraint(['draw_id'], ['draw_draw.id'], name=op.f('fk_draw_winner_draw_id')),
    sa.PrimaryKeyConstraint('draw_id', 'tier', 'number', name=op.f('pk_draw_winner')),
    sa.UniqueConstraint('draw_id', 'entry_id', name=op.f('uq_draw_winner_draw_id_entry_id'))
    )
    op.create_table('prize_award',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('tier', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('entry_id', sa.String(), nullable=False),
    sa.Column('participant_id', sa.Integer(), nullable=True),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('claim_code', sa.String(), nullable=True),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claim_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_kind', sa.String(), nullable=True),
    sa.Column('end_reason', sa.String(), nullable=True),
    sa.Column('ended_by', sa.String(), nullable=True),
    sa.CheckConstraint("end_kind IN ('forfeited', 'declined', 'disqualified')", name=op.f('ck_prize_award_end_kind')),
    sa.CheckConstraint('(ended_at IS NULL) = (end_kind IS NULL)', name=op.f('ck_prize_award_ended')),
    sa.ForeignKeyConstraint(['participant_id'], ['attempt_participant.id'], name=op.f('fk_prize_award_participant_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_prize_award_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prize_award')),
    sa.UniqueConstraint('claim_code', name=op.f('uq_prize_award_claim_code')),
    sa.UniqueConstraint('round_id', 'entry_id', name=op.f('uq_prize_award_round_id_entry_id'))
    )
    with op.batch_alter_table('prize_award', schema=None) as batch_op:
        batch_op.create_index('uq_prize_award_prize', ['round_id', 'tier', 'number'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('prize_phone_key',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_prize_phone_key_round_id')),
    sa.PrimaryKeyConstraint('round_id', name=op.f('pk_prize_phone_key'))
    )
    op.create_table('prize_certificate',
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('participant_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['participant_id'], ['attempt_participant.id'], name=op.f('fk_prize_certificate_participant_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_prize_certificate_round_id')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_prize_certificate')),
    sa.UniqueConstraint('participant_id', 'title', name=op.f('uq_prize_certificate_participant_id_title'))
    )
    op.create_table('contest_appeal',
    sa.Column('ruling_id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', sa.String(), nullable=True),
    sa.CheckConstraint("(answered_at IS NULL) = (answer = '')", name=op.f('ck_contest_appeal_answered')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_contest_appeal_round_id')),
    sa.ForeignKeyConstraint(['ruling_id'], ['contest_ruling.id'], name=op.f('fk_contest_appeal_ruling_id')),
    sa.PrimaryKeyConstraint('ruling_id', name=op.f('pk_contest_appeal'))
    )
    with op.batch_alter_table('contest_appeal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contest_appeal_round_id'), ['round_id'], unique=False)

    op.create_table('prize_claim',
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('phone', sa.String(), nullable=False),
    sa.Column('phone_hash', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('guardian', sa.String(), nullable=True),
    sa.Column('shown', sa.String(), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['award_id'], ['prize_award.id'], name=op.f('fk_prize_claim_award_id')),
    sa.ForeignKeyConstraint(['round_id'], ['campaign_round.id'], name=op.f('fk_prize_claim_round_id')),
    sa.PrimaryKeyConstraint('award_id', name=op.f('pk_prize_claim')),
    sa.UniqueConstraint('round_id', 'phone_hash', name=op.f('uq_prize_claim_round_id_phone_hash'))
    )
    op.create_table('prize_handover',
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('how', sa.String(), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['award_id'], ['prize_award.id'], name=op.f('fk_prize_handover_award_id')),
    sa.PrimaryKeyConstraint('award_id', name=op.f('pk_prize_handover'))
    )
    with op.batch_alter_table('attempt_attempt', schema=None) as batch_op:
        batch_op.add_column(sa.Column('paper_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_attempt_attempt_paper_id'), 'paper_paper', ['paper_id'], ['id'])

    with op.batch_alter_table('campaign_round', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pace', sa.String(), server_default='sheet', nullable=False))
        batch_op.add_column(sa.Column('item_s', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('per', sa.String(), server_default='round', nullable=False))
        batch_op.add_column(sa.Column('practice_paper_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('place_root_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('trade_root_id', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(batch_op.f('ck_campaign_round_per'), "per IN ('round', 'day')")
        batch_op.create_check_constraint(batch_op.f('ck_campaign_round_pace'), "pace IN ('sheet', 'strict')")
        batch_op.create_check_constraint(batch_op.f('ck_campaign_round_item_s'), "item_s IS NULL OR pace = 'strict'")
        batch_op.create_foreign_key(batch_op.f('fk_campaign_round_trade_root_id'), 'roster_unit', ['trade_root_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_campaign_round_practice_paper_id'), 'paper_paper', ['practice_paper_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_campaign_round_place_root_id'), 'roster_unit', ['place_root_id'], ['id'])



def downgrade():
    with op.batch_alter_table('campaign_round', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_campaign_round_item_s'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_campaign_round_pace'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_campaign_round_per'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_campaign_round_place_root_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_campaign_round_practice_paper_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_campaign_round_trade_root_id'), type_='foreignkey')
        batch_op.drop_column('trade_root_id')
        batch_op.drop_column('place_root_id')
        batch_op.drop_column('practice_paper_id')
        batch_op.drop_column('per')
        batch_op.drop_column('item_s')
        batch_op.drop_column('pace')

    with op.batch_alter_table('attempt_attempt', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_attempt_attempt_paper_id'), type_='foreignkey')
        batch_op.drop_column('paper_id')

    op.drop_table('prize_handover')
    op.drop_table('prize_claim')
    op.drop_table('contest_appeal')
    op.drop_table('prize_certificate')
    op.drop_table('prize_award')
    op.drop_table('draw_winner')
    op.drop_table('draw_result')
    op.drop_table('draw_piece')
    op.drop_table('draw_notice')
    op.drop_table('contest_score')
    op.drop_table('contest_ruling')
    op.drop_table('contest_flag')
    op.drop_table('attempt_player')
    op.drop_table('rulebook_version')
    op.drop_table('rulebook_draft')
    op.drop_table('prize_phone_key')
    op.drop_table('prize_move')
    op.drop_table('draw_draw')
    op.drop_table('contest_progress')
    op.drop_table('contest_board')
    op.drop_table('campaign_round_paper')
