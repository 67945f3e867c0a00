# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Linux's target (LIO) does otherwise than SPC, and nothing else.

Each override is one deviation of 6.1 with the function of the kernel's
drivers/target/target_core_pr.c (or another file that is named) it comes from.
"""

from prclient import (CHECK_CONDITION, CLEAR, PREEMPT, PREEMPT_AND_ABORT,
                      REGISTER, REGISTER_AND_IGNORE, RELEASE,
                      REPORT_CAPABILITIES, RESERVE)
from spc_model import (ALL_REGISTRANTS, CONFLICT, EXCLUSIVE, INVALID_CDB,
                       INVALID_LIST, INVALID_RELEASE, OK, TYPES, Answer, Model)

NOT_READY = Answer(CHECK_CONDITION, (0x2, 0x08, 0x00))

PREEMPTS = (PREEMPT, PREEMPT_AND_ABORT)


class Lio(Model):
    """SPC with LIO's deviations."""

    def take_attention(self, nexus):
        """target_core_ua.c, core_scsi3_ua_for_check_condition(): the oldest
        unit attention is reported, the others are dropped with it."""
        answer = super().take_attention(nexus)
        self.attentions[nexus].clear()
        return answer

    def check_in(self, command):
        """core_scsi3_pri_*(): short allocation lengths are refused."""
        least = 6 if command.action == REPORT_CAPABILITIES else 8
        if command.length < least:
            return INVALID_CDB
        return super().check_in(command)

    def check_access(self, command):
        """core_scsi3_pr_seq_non_holder(): whether a nexus other than the
        holder may send the service action is decided before anything in the
        command is looked at.  With an all registrants reservation the holder
        is a single nexus: the oldest one since the last holder left."""
        if not self.type or command.nexus == self.holder:
            return None
        allowed = [REGISTER, REGISTER_AND_IGNORE]
        if command.nexus in self.registered:
            allowed += [RELEASE, CLEAR, *PREEMPTS]
            if self.type not in EXCLUSIVE:
                allowed.append(RESERVE)
        return None if command.action in allowed else CONFLICT

    def check_fields(self, command):
        """core_scsi3_emulate_pro_preempt(): the type is looked at also where
        PREEMPT does not need it.  SCOPE: see check_key()."""
        if command.action == RESERVE or command.action in PREEMPTS:
            return None if command.type in TYPES else INVALID_CDB
        return None

    def check_key(self, command):
        action, nexus = command.action, command.nexus
        if nexus not in self.registered and action in (RESERVE, RELEASE,
                                                       CLEAR):
            # core_scsi3_pro_reserve() and others: LOGICAL UNIT COMMUNICATION
            # FAILURE, where the check of access has let it pass because there
            # is no reservation.
            return NOT_READY
        if action == RELEASE and not self.is_holder(nexus):
            # core_scsi3_emulate_pro_release() looks at the key only after it
            # has found something to release.
            return None
        wrong = super().check_key(command)
        if not wrong and command.scope and action in (RESERVE, *PREEMPTS):
            # core_scsi3_pro_reserve(), core_scsi3_pro_preempt(): after the
            # key, and as a fault of the parameter list.
            return INVALID_LIST
        return wrong

    def register(self, command):
        """core_scsi3_emulate_pro_register(): only what registers a key counts
        in PRGENERATION; what changes nothing leaves APTPL alone."""
        if command.new_key:
            return super().register(command)
        if command.nexus in self.registered:
            self.aptpl = command.aptpl
            self.unregister(command.nexus)
        return OK

    def release(self, command):
        """core_scsi3_emulate_pro_release(): RESERVATION CONFLICT."""
        answer = super().release(command)
        return CONFLICT if answer == INVALID_RELEASE else answer

    def clear(self, command):
        """core_scsi3_emulate_pro_clear(): APTPL is off afterwards."""
        self.aptpl = False
        return super().clear(command)

    def establishes(self, command):
        """core_scsi3_pro_preempt(): an all registrants reservation can also
        be preempted by the key of its single holder (see check_access())."""
        if command.action in PREEMPTS and self.type in ALL_REGISTRANTS:
            return command.new_key in (0, self.registered[self.holder])
        return super().establishes(command)

    def spares_sender(self, command):
        """core_scsi3_pro_preempt(): where all hold, the sender stays
        registered, whatever the key."""
        return self.type in ALL_REGISTRANTS or super().spares_sender(command)
