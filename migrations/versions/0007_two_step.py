"""two-step sign-in

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'

ADDED = ('signed_in_at', 'totp_secret', 'totp_step')


def upgrade():
    with op.batch_alter_table('staff_staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('totp_secret', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('totp_step', sa.Integer(), nullable=True))
    # until now only the audit log knew when somebody signed in
    op.execute(
        "UPDATE staff_staff SET signed_in_at = (SELECT max(audit_entry.at) FROM audit_entry"
        " WHERE audit_entry.action = 'staff.signed_in' AND audit_entry.object = 'staff:' || staff_staff.id)"
    )
    op.create_table('staff_recovery_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('staff_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['staff_staff.id'], name=op.f('fk_staff_recovery_code_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_recovery_code'))
    )
    with op.batch_alter_table('staff_recovery_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_staff_recovery_code_staff_id'), ['staff_id'], unique=False)


def downgrade():
    op.drop_table('staff_recovery_code')
    with op.batch_alter_table('staff_staff', schema=None) as batch_op:
        for name in reversed(ADDED):
            batch_op.drop_column(name)
