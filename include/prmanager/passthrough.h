/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRMANAGER_PASSTHROUGH_H
#define PRMANAGER_PASSTHROUGH_H

/*
 * SCSI passthrough devices.
 *
 * A passthrough device carries a guest's commands to a device of the host.
 * PERSISTENT RESERVE IN and OUT go to the persistent reservation manager that
 * it was opened with, and nothing else does; all other commands are sent by
 * SG_IO with the rights that the program has itself.
 *
 * It remembers which key the guest has registered and which reservation it has
 * acquired, as far as the device has confirmed it, so that a virtual machine
 * can take both along when it moves: the source exports the state, the
 * destination takes it over.
 *
 * The rules of <prmanager/manager.h> for results, ownership and threads hold
 * here too.  Commands that are under way at the same time may be carried out in
 * any order, as on any SCSI device; PERSISTENT RESERVE OUT commands are not
 * sent before the one before has been answered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include <prmanager/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct prm_passthrough - a passthrough device
 */
struct prm_passthrough;

/**
 * struct prm_passthrough_state - what a guest has, to be carried elsewhere
 * @size:      sizeof(struct prm_passthrough_state)
 * @key:       the registered reservation key; 0 if it is not registered
 * @type:      the type of the reservation that it holds (SPC's numbers: 1, 3,
 *             5 to 8); 0 if it holds none
 * @uncertain: whether some PERSISTENT RESERVE OUT ended without an answer, so
 *             that the device may know better; taking over looks at the device
 *             anyway
 */
struct prm_passthrough_state {
	size_t size;
	uint64_t key;
	int type;
	int uncertain;
};

#define PRM_PASSTHROUGH_STATE_INIT                                             \
	{                                                                      \
		sizeof(struct prm_passthrough_state), 0, 0, 0                  \
	}

/**
 * prm_passthrough_open() - open a device
 * @path:       its node, /dev/sdX, /dev/mapper/... or /dev/sgN
 * @options:    "KIND,PROPERTY=VALUE...", in the syntax of prm_manager_new():
 *              scsi-block (a block device) or scsi-generic (an sg node, or a
 *              block device);
 *              pr-manager=ID, the manager, which must exist (required);
 *              migrate-pr=on|off, whether to hide from the guest what a
 *              migration could not carry along (default off): SIP_C and ATP_C
 *              in the answer to REPORT CAPABILITIES;
 *              read-only=on|off, how to open the node (default off);
 *              timeout=SECONDS for commands that have none of their own
 *              (default 30);
 *              threads=N, commands that prm_passthrough_submit() runs at a
 *              time (default 4)
 * @ret_device: the device, closed with prm_passthrough_close()
 * @ret_error:  NULL, or where to store a message for people when this fails;
 *              released with free(3)
 *
 * Return: 0; -EINVAL for wrong options; -ENOENT if there is no such manager or
 * node; -ENOTBLK or -ENOTTY if the node is no whole SCSI device of that kind;
 * -ENOMEM; or the error of open(2).
 */
int prm_passthrough_open(const char *path, const char *options,
			 struct prm_passthrough **ret_device, char **ret_error);

/**
 * prm_passthrough_new() - make a device of an open descriptor
 * @fd:         the descriptor; set to -1 once the device owns it
 * @options:    as for prm_passthrough_open(); read-only is not looked at
 * @ret_device: the device, closed with prm_passthrough_close()
 * @ret_error:  NULL, or where to store a message for people
 *
 * For programs that are handed their devices, as by libvirt.
 *
 * Return: as prm_passthrough_open(). On failure @fd stays with the caller.
 */
int prm_passthrough_new(int *fd, const char *options,
			struct prm_passthrough **ret_device, char **ret_error);

/**
 * prm_passthrough_close() - close a device
 * @device: the device, or NULL
 *
 * Waits until all commands handed over have completed and their callbacks have
 * returned; not to be called from one.
 *
 * Return: NULL.
 */
struct prm_passthrough *prm_passthrough_close(struct prm_passthrough *device);

/**
 * prm_passthrough_fd() - the device's descriptor
 * @device: the device
 *
 * Return: the descriptor, borrowed.
 */
int prm_passthrough_fd(const struct prm_passthrough *device);

/**
 * prm_passthrough_run() - run a command and wait for the answer
 * @device:    the device
 * @command:   any command of 6 to 16 bytes; its direction says which way data
 *             goes, except for PERSISTENT RESERVE IN and OUT, which have theirs
 * @ret_reply: what the device answered
 *
 * Return: 0 when @ret_reply holds an answer; -EINVAL for a command that cannot
 * be (length of the CDB, a direction without data or data without direction);
 * as prm_manager_run() for PERSISTENT RESERVE IN and OUT; for others the error
 * of SG_IO (-EPERM where the kernel refuses the command to this program), or
 * -EIO in place of the three errors that promise something: nobody knows.
 */
int prm_passthrough_run(struct prm_passthrough *device,
			const struct prm_command *command,
			struct prm_reply *ret_reply);

/**
 * prm_passthrough_submit() - run a command on a thread of the library
 * @device:   the device
 * @command:  the command, copied; its data is borrowed until it completes
 * @complete: called once when it has ended
 * @opaque:   passed to @complete
 *
 * Return: 0 if @complete will be called; -EINVAL as for prm_passthrough_run(),
 * -ENOMEM, or -EAGAIN for want of a thread: it will not, and the command never
 * left.
 */
int prm_passthrough_submit(struct prm_passthrough *device,
			   const struct prm_command *command,
			   prm_complete complete, void *opaque);

/**
 * prm_queue_submit_passthrough() - prm_passthrough_submit() to a queue
 * @queue:   the queue that gets the completion
 * @device:  the device
 * @command: the command, copied; its data is borrowed until its completion is
 *           taken or the queue is freed
 * @opaque:  comes back in the completion
 *
 * Return: as prm_passthrough_submit().
 */
int prm_queue_submit_passthrough(struct prm_queue *queue,
				 struct prm_passthrough *device,
				 const struct prm_command *command,
				 void *opaque);

/**
 * prm_passthrough_sg_io() - run a command for a caller that has an sg_io_hdr
 * @device: the device
 * @hdr:    the command; its outcome is stored as the SG_IO ioctl does
 *
 * Commands other than PERSISTENT RESERVE IN and OUT are handed to the kernel
 * as they are.
 *
 * Return: 0 when @hdr holds an outcome; as prm_manager_sg_io() for PERSISTENT
 * RESERVE IN and OUT, and the error of SG_IO for others.
 */
int prm_passthrough_sg_io(struct prm_passthrough *device,
			  struct sg_io_hdr *hdr);

/**
 * prm_reply_set_error() - an answer for a guest where there is none
 * @error: the negative errno of prm_passthrough_run() or prm_manager_run()
 * @reply: set to what QEMU's guests see: CHECK CONDITION with 05/24/00 for
 *         -EINVAL, 0B/00/06 for most, never GOOD; its size is set by the caller
 */
void prm_reply_set_error(int error, struct prm_reply *reply);

/**
 * prm_passthrough_export() - what the guest has registered and reserved
 * @device:    the device, on which no command is under way
 * @ret_state: the state, to be carried to another host; its size is set by the
 *             caller
 *
 * Sends READ RESERVATION when a PREEMPT left open what it has brought about and
 * the device could not be asked then.
 *
 * Return: 0, or -EINVAL for a wrong size.
 */
int prm_passthrough_export(struct prm_passthrough *device,
			   struct prm_passthrough_state *ret_state);

/**
 * prm_passthrough_take_over() - take over what a guest had elsewhere
 * @device:    the device, on which no command is under way
 * @state:     the state exported from the other device, whose guest is stopped
 * @ret_error: NULL, or where to store a message for people
 *
 * Checks that the other's registration and reservation are still there,
 * registers the key here, and preempts key by key, which moves the reservation
 * here in one step and removes the other's registration. Targets that drop the
 * preemptor's own registration as well get it back. Whoever fences the guest's
 * key meanwhile wins: if the key was removed by another this fails, and the key
 * is not registered any more. When the move fails later on, the other device
 * can take everything back by the same call with the same state.
 *
 * Return: 0 when the guest has here what it had there; -ESTALE if it no longer
 * had it: another has preempted or cleared it; -EINVAL for a state that cannot
 * be; -EIO if the device refused; or an error of prm_manager_run() for one of
 * the commands that this takes. Then even -ENOTCONN says that of the last of
 * them only: the key may be registered here already. The same call again goes
 * on from there, but for the case that libprmanager(3) names.
 */
int prm_passthrough_take_over(struct prm_passthrough *device,
			      const struct prm_passthrough_state *state,
			      char **ret_error);

#ifdef __cplusplus
}
#endif

#endif
