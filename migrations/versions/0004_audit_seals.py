"""audit seals, private details, no rewriting

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'

SEALED_ONLY = (
    'OLD.block IS NULL AND NEW.block IS NOT NULL AND NEW.attempt_id = OLD.attempt_id AND NEW.at = OLD.at'
    ' AND NEW.answers_hash = OLD.answers_hash'
)
SQLITE_STOP = "BEGIN SELECT RAISE(ABORT, 'audit rows are written once'); END"
POSTGRESQL_STOP = 'EXECUTE FUNCTION audit_written_once()'
TRIGGERS = {
    'sqlite': (
        f'CREATE TRIGGER audit_entry_changed BEFORE UPDATE ON audit_entry {SQLITE_STOP}',
        f'CREATE TRIGGER audit_entry_deleted BEFORE DELETE ON audit_entry {SQLITE_STOP}',
        'CREATE TRIGGER audit_entry_replaced BEFORE INSERT ON audit_entry'
        f' WHEN EXISTS (SELECT 1 FROM audit_entry WHERE seq = NEW.seq) {SQLITE_STOP}',
        f'CREATE TRIGGER audit_leaf_changed BEFORE UPDATE ON audit_leaf WHEN NOT ({SEALED_ONLY}) {SQLITE_STOP}',
        f'CREATE TRIGGER audit_leaf_deleted BEFORE DELETE ON audit_leaf {SQLITE_STOP}',
    ),
    'postgresql': (
        'CREATE OR REPLACE FUNCTION audit_written_once() RETURNS trigger LANGUAGE plpgsql AS'
        " $$BEGIN RAISE EXCEPTION USING MESSAGE = 'audit rows are written once', ERRCODE = 'restrict_violation'; END$$",
        f'CREATE TRIGGER audit_entry_changed BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW {POSTGRESQL_STOP}',
        f'CREATE TRIGGER audit_entry_emptied BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT {POSTGRESQL_STOP}',
        f'CREATE TRIGGER audit_leaf_changed BEFORE UPDATE ON audit_leaf FOR EACH ROW WHEN (NOT ({SEALED_ONLY}))'
        f' {POSTGRESQL_STOP}',
        f'CREATE TRIGGER audit_leaf_deleted BEFORE DELETE ON audit_leaf FOR EACH ROW {POSTGRESQL_STOP}',
        f'CREATE TRIGGER audit_leaf_emptied BEFORE TRUNCATE ON audit_leaf FOR EACH STATEMENT {POSTGRESQL_STOP}',
    ),
}


def upgrade():
    op.add_column('audit_leaf', sa.Column('block', sa.Integer(), nullable=True))  # in place: there may be many
    op.create_index(op.f('ix_audit_leaf_block_at'), 'audit_leaf', ['block', 'at'], unique=False)
    op.create_index(op.f('ix_audit_entry_actor'), 'audit_entry', ['actor'], unique=False)
    op.create_table('audit_detail',
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('salt', sa.String(), nullable=True),
    sa.Column('value', sa.String(), nullable=True),
    sa.Column('erase_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['seq'], ['audit_entry.seq'], name=op.f('fk_audit_detail_seq')),
    sa.PrimaryKeyConstraint('seq', 'name', name=op.f('pk_audit_detail'))
    )
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade():
    if op.get_bind().dialect.name == 'sqlite':
        for name in ('entry_changed', 'entry_deleted', 'entry_replaced', 'leaf_changed', 'leaf_deleted'):
            op.execute(f'DROP TRIGGER audit_{name}')
    else:
        op.execute('DROP FUNCTION audit_written_once() CASCADE')
    op.drop_table('audit_detail')
    op.drop_index(op.f('ix_audit_entry_actor'), table_name='audit_entry')
    op.drop_index(op.f('ix_audit_leaf_block_at'), table_name='audit_leaf')
    op.drop_column('audit_leaf', 'block')
