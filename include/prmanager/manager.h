/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRMANAGER_MANAGER_H
#define PRMANAGER_MANAGER_H

/*
 * Persistent reservation managers.
 *
 * A manager runs one PERSISTENT RESERVE IN or OUT on one device and returns
 * exactly what the device answered.  What stands behind it is its class: a
 * helper at a Unix socket ("pr-manager-helper"), SG_IO ("pr-manager-scsi"), or
 * a class of the program's own.
 *
 * Results: functions return 0 or a negative errno, which only says whether
 * there is an answer; what the device said is in the reply.  A program that
 * fences must tell two kinds of failure apart:
 *
 *   -ENOTCONN, -EINVAL, -EBADF   the command never left: the device has not
 *                                seen it, sending it again is safe
 *   any other                    nobody knows whether the device acted
 *
 * (prm_passthrough_take_over() sends several commands, and says what that
 * means there.)
 *
 * A ret_ parameter is written on success only; ret_error, which explains a
 * failure in words, is written on failure only.
 *
 * Ownership: managers and queues are counted or freed as each function says;
 * strings returned as const char * are borrowed from the object.
 *
 * Threads: every function may be called from any thread, except where its own
 * text says otherwise.  The library starts threads of its own only for
 * prm_manager_execute() and what is built on it, with all signals blocked.  It
 * never logs, prints, exits, or touches signal handlers; its descriptors are
 * closed by exec.  A child of fork(2) may close, free and exit without harm to
 * the parent, and uses connections of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sg_io_hdr;

/**
 * struct prm_manager - a persistent reservation manager: an object with an id
 */
struct prm_manager;

/**
 * struct prm_options - the properties that an object is created with
 */
struct prm_options;

/**
 * enum prm_event - what a listener is told
 * @PRM_EVENT_CONNECTED:        the manager is connected to its other side
 * @PRM_EVENT_DISCONNECTED:     it no longer is
 * @PRM_EVENT_RECONNECT_FAILED: one attempt to connect again has failed
 */
enum prm_event {
	PRM_EVENT_CONNECTED = 1,
	PRM_EVENT_DISCONNECTED = 2,
	PRM_EVENT_RECONNECT_FAILED = 3,
};

/**
 * typedef prm_listener - is told when the connected state changes
 *
 * Parameters: the manager, the event, the negative errno behind it (0 for
 * connected), and the pointer given to prm_manager_set_listener(). Called from
 * the thread that found out, with none of the library's locks held but the
 * listener's own: it may call anything but functions that wait for a command
 * of this manager.
 */
typedef void (*prm_listener)(struct prm_manager *manager, enum prm_event event,
			     int error, void *opaque);

/**
 * typedef prm_complete - is told that an executed command has ended
 *
 * Parameters: the pointer given with the command, 0 or the negative errno that
 * prm_manager_run() would have returned, and the reply, valid during the call,
 * which is PRM_REPLY_INIT if there is none. Called exactly once for each
 * accepted command, from a thread of the library, and never from within the
 * call that handed the command over.
 */
typedef void (*prm_complete)(void *opaque, int error,
			     const struct prm_reply *reply);

/*
 * Objects
 */

/**
 * prm_manager_new() - create a manager from text
 * @options:     "CLASS,id=ID,PROPERTY=VALUE...", the text of QEMU's -object;
 *               a comma inside a value is written twice, and "qom-type=CLASS"
 *               may stand anywhere in place of the leading CLASS
 * @ret_manager: the manager, found by its id until it is deleted or its last
 *               reference is dropped; released with prm_manager_unref()
 * @ret_error:   NULL, or where to store a message for people when this fails;
 *               it names the property at fault. Released with free(3)
 *
 * The helper class connects at once and fails when it cannot, as QEMU does.
 *
 * Return: 0; -EINVAL for text that is wrong; -ENOENT for an unknown class;
 * -EEXIST for an id in use; -ENOMEM; or the error of the class.
 */
int prm_manager_new(const char *options, struct prm_manager **ret_manager,
		    char **ret_error);

/**
 * prm_manager_ref() - take another reference
 * @manager: the manager, or NULL
 *
 * Return: @manager.
 */
struct prm_manager *prm_manager_ref(struct prm_manager *manager);

/**
 * prm_manager_unref() - drop a reference
 * @manager: the manager, or NULL
 *
 * With the last one the manager is destroyed. Commands that were handed over
 * hold references of their own, so they are carried out first.
 *
 * Return: NULL.
 */
struct prm_manager *prm_manager_unref(struct prm_manager *manager);

/**
 * prm_manager_delete() - delete a manager, as QEMU's object-del does
 * @manager: the manager, or NULL; the caller's reference is dropped
 *
 * Its id is free at once and new commands are refused with -ENOTCONN. Of those
 * under way, whichever has not left for the device ends with -ENOTCONN, and
 * whichever has is waited for by its own thread; each completion is delivered.
 * Does not wait.
 *
 * Return: NULL.
 */
struct prm_manager *prm_manager_delete(struct prm_manager *manager);

/**
 * prm_manager_lookup() - find a manager by its id
 * @id:          the id
 * @ret_manager: the manager, released with prm_manager_unref()
 *
 * Return: 0; -ENOENT if there is none; -EINVAL if @id is NULL.
 */
int prm_manager_lookup(const char *id, struct prm_manager **ret_manager);

/**
 * prm_manager_list() - all managers, as QEMU's query-pr-managers has them
 * @ret_managers: array of references that ends with NULL, in the order of
 *                creation; released with prm_manager_list_free()
 *
 * Return: 0 or -ENOMEM.
 */
int prm_manager_list(struct prm_manager ***ret_managers);

/**
 * prm_manager_list_free() - release what prm_manager_list() returned
 * @managers: the array, or NULL
 */
void prm_manager_list_free(struct prm_manager **managers);

/**
 * prm_manager_id() - the manager's id
 * @manager: the manager
 *
 * Return: the id, valid as long as @manager.
 */
const char *prm_manager_id(const struct prm_manager *manager);

/**
 * prm_manager_class_name() - the name of the manager's class
 * @manager: the manager
 *
 * Return: the name, valid as long as @manager.
 */
const char *prm_manager_class_name(const struct prm_manager *manager);

/**
 * prm_manager_is_connected() - whether the other side is reached
 * @manager: the manager
 *
 * Says what is known without asking: a helper that died is noticed by the next
 * command. Does not wait.
 *
 * Return: whether it is connected; true for classes that do not connect.
 */
bool prm_manager_is_connected(struct prm_manager *manager);

/**
 * prm_manager_set_listener() - be told of connects and disconnects
 * @manager:  the manager
 * @listener: the function, or NULL for none; replaces the one before
 * @opaque:   passed to it
 *
 * When this returns, the listener before is not running and will not be called
 * again (unless this was called from within it).
 */
void prm_manager_set_listener(struct prm_manager *manager,
			      prm_listener listener, void *opaque);

/*
 * Commands
 */

/**
 * prm_manager_run() - run a command and wait for the answer
 * @manager:   the manager
 * @fd:        the device, open for writing for PERSISTENT RESERVE OUT; borrowed
 * @command:   PERSISTENT RESERVE IN or OUT; received data is stored at its data,
 *             whose contents are undefined on failure
 * @ret_reply: what the device answered
 *
 * An allocation length above PRM_DATA_SIZE is sent as PRM_DATA_SIZE: the device
 * then answers with that much, and lengths inside the answer say how much there
 * would be.
 *
 * Return: 0 when @ret_reply holds the device's answer. -EINVAL if the command
 * is no PERSISTENT RESERVE IN or OUT of 10 to 16 bytes, its data is shorter
 * than its CDB says, or its parameter list is longer than PRM_DATA_SIZE;
 * -EBADF if @fd is not open; -ENOTCONN if there was no connection: these three
 * never left. -ETIMEDOUT, -EPROTO (the helper broke the protocol), -ECONNRESET
 * (it closed the connection), -ENOMEM or another error of the class: nobody
 * knows.
 */
int prm_manager_run(struct prm_manager *manager, int fd,
		    const struct prm_command *command,
		    struct prm_reply *ret_reply);

/**
 * prm_manager_execute() - run a command on a thread of the library
 * @manager:  the manager
 * @fd:       the device; duplicated, so it may be closed at once
 * @command:  the command, copied; but its data is borrowed until it completes
 * @complete: called once when it has ended
 * @opaque:   passed to @complete
 *
 * Commands of one manager start in the order in which they were handed over,
 * on at most as many threads as its class can use at a time (1 for the
 * helper).
 *
 * Return: 0 if @complete will be called; -EINVAL or -EBADF as for
 * prm_manager_run(), -ENOTCONN after prm_manager_delete(), -ENOMEM, -EMFILE or
 * -EAGAIN for want of a thread: it will not, and the command never left.
 */
int prm_manager_execute(struct prm_manager *manager, int fd,
			const struct prm_command *command,
			prm_complete complete, void *opaque);

/**
 * prm_manager_drain() - wait until no executed command is under way
 * @manager: the manager
 *
 * Returns when every command handed over before has completed and its callback
 * has returned. Not to be called from such a callback.
 */
void prm_manager_drain(struct prm_manager *manager);

/**
 * prm_manager_interrupt() - give up waiting for a connection
 * @manager: the manager
 *
 * Every command that waits for one ends with -ENOTCONN. Those that have left
 * are not touched.
 */
void prm_manager_interrupt(struct prm_manager *manager);

/**
 * prm_manager_sg_io() - run a command for a caller that has an sg_io_hdr
 * @manager: the manager
 * @fd:      the device, as for prm_manager_run()
 * @hdr:     the command, with a scatter list if its iovec_count is not 0; its
 *           outcome is stored as the SG_IO ioctl does
 *
 * Return: 0 when @hdr holds the device's answer; -EINVAL also for a wrong
 * interface_id, direction or length; else as prm_manager_run(). On failure
 * @hdr is as it was.
 */
int prm_manager_sg_io(struct prm_manager *manager, int fd,
		      struct sg_io_hdr *hdr);

/*
 * Completions by descriptor, for event loops
 */

/**
 * struct prm_queue - collects completions; readable while it holds some
 */
struct prm_queue;

/**
 * struct prm_completion - an ended command
 * @size:   sizeof(struct prm_completion)
 * @error:  0 or the negative errno that prm_manager_run() would have returned
 * @opaque: the pointer given with the command
 * @reply:  the answer; PRM_REPLY_INIT if @error is not 0
 */
struct prm_completion {
	size_t size;
	int error;
	void *opaque;
	struct prm_reply reply;
};

#define PRM_COMPLETION_INIT                                                    \
	{                                                                      \
		sizeof(struct prm_completion), 0, 0, PRM_REPLY_INIT            \
	}

/**
 * prm_queue_new() - make a queue
 * @ret_queue: the queue, released with prm_queue_free()
 *
 * Return: 0; -ENOMEM; or the error of eventfd(2).
 */
int prm_queue_new(struct prm_queue **ret_queue);

/**
 * prm_queue_free() - free a queue
 * @queue: the queue, or NULL
 *
 * Waits until the commands that were submitted through it have ended, since
 * their data is the caller's; delete their manager first to wait for less.
 * Completions not taken are dropped.
 *
 * Return: NULL.
 */
struct prm_queue *prm_queue_free(struct prm_queue *queue);

/**
 * prm_queue_fd() - the descriptor to poll
 * @queue: the queue
 *
 * Return: a descriptor that is readable while there are completions. Borrowed;
 * to be polled only, not to be read.
 */
int prm_queue_fd(const struct prm_queue *queue);

/**
 * prm_queue_submit() - run a command, the completion of which goes to a queue
 * @queue:   the queue
 * @manager: the manager
 * @fd:      the device, duplicated
 * @command: the command, copied; its data is borrowed until its completion is
 *           taken or the queue is freed
 * @opaque:  comes back in the completion
 *
 * Return: as prm_manager_execute().
 */
int prm_queue_submit(struct prm_queue *queue, struct prm_manager *manager,
		     int fd, const struct prm_command *command, void *opaque);

/**
 * prm_queue_next() - take a completion
 * @queue:          the queue
 * @ret_completion: the completion that has waited longest; its size is set by
 *                  the caller
 *
 * Does not wait.
 *
 * Return: 0; -EAGAIN if there is none; -EINVAL for a wrong size.
 */
int prm_queue_next(struct prm_queue *queue,
		   struct prm_completion *ret_completion);

/*
 * Classes
 */

/**
 * enum prm_property_type - what the value of a property has to look like
 * @PRM_PROPERTY_STRING: any text but an empty one
 * @PRM_PROPERTY_NUMBER: decimal digits
 * @PRM_PROPERTY_BOOL:   on or off (also yes, no, true, false)
 */
enum prm_property_type {
	PRM_PROPERTY_STRING = 1,
	PRM_PROPERTY_NUMBER = 2,
	PRM_PROPERTY_BOOL = 3,
};

/**
 * struct prm_property - a property that a class accepts
 * @name:     its name
 * @type:     see enum prm_property_type
 * @required: whether an object cannot be created without it
 * @min:      smallest number
 * @max:      largest number
 *
 * Stands in arrays, so it will never change its size.
 */
struct prm_property {
	const char *name;
	enum prm_property_type type;
	bool required;
	uint64_t min;
	uint64_t max;
};

/**
 * struct prm_manager_class - a subclass: what its managers do
 * @size:           sizeof(struct prm_manager_class); members behind it have
 *                  their defaults
 * @name:           the class's name, "pr-manager-..." by convention
 * @properties:     the accepted properties besides id, or NULL
 * @property_count: how many
 * @create:         make the instance of @manager. @options holds what was given
 *                  and passed the checks of @properties. Returns 0, or a
 *                  negative errno, and then may store a message made by
 *                  malloc(3) at @ret_error (never NULL here). @manager outlives
 *                  the instance and is for prm_manager_notify() only.
 *                  Default: the instance is NULL
 * @destroy:        free the instance; no other function is running or will be
 *                  called. Default: nothing is done
 * @run:            run a command, which has been checked: its opcode, that its
 *                  data is as long as its CDB says, and PRM_DATA_SIZE at most.
 *                  @ret_reply is PRM_REPLY_INIT on entry. The errors are those
 *                  of prm_manager_run(), with the same promises. Called from
 *                  several threads at once. Required
 * @is_connected:   see prm_manager_is_connected(); never waits. Default: true
 * @interrupt:      see prm_manager_interrupt(); never waits. @for_good after
 *                  prm_manager_delete(): later commands do not wait either.
 *                  Default: nothing is done
 * @max_parallel:   commands that run at a time make sense; more of those given
 *                  to prm_manager_execute() wait. Default: 1
 */
struct prm_manager_class {
	size_t size;
	const char *name;
	const struct prm_property *properties;
	size_t property_count;
	int (*create)(struct prm_manager *manager,
		      const struct prm_options *options, void **ret_instance,
		      char **ret_error);
	void (*destroy)(void *instance);
	int (*run)(void *instance, int fd, const struct prm_command *command,
		   struct prm_reply *ret_reply);
	bool (*is_connected)(void *instance);
	void (*interrupt)(void *instance, bool for_good);
	unsigned int max_parallel;
};

/**
 * prm_manager_class_register() - add a class
 * @manager_class: the class; the structure is copied, what it points to must
 *                 stay for the life of the process
 *
 * Return: 0; -EINVAL if the size is too small or the name or run is missing;
 * -EEXIST if there is a class of that name; -ENOMEM.
 */
int prm_manager_class_register(const struct prm_manager_class *manager_class);

/**
 * prm_manager_notify() - tell the listener, from a class
 * @manager: the manager that the instance was created for
 * @event:   what happened
 * @error:   the negative errno behind it, or 0
 *
 * Called without locks that is_connected or the listener could need.
 */
void prm_manager_notify(struct prm_manager *manager, enum prm_event event,
			int error);

/**
 * prm_options_string() - the value of a property
 * @options:  the options that create was given
 * @name:     the property's name
 * @fallback: what to return if it was not given
 *
 * Return: the value, valid until create returns, or @fallback.
 */
const char *prm_options_string(const struct prm_options *options,
			       const char *name, const char *fallback);

/**
 * prm_options_number() - the value of a property that is a number
 * @options:  the options that create was given
 * @name:     the property's name
 * @fallback: what to return if it was not given
 *
 * Return: the number, or @fallback.
 */
uint64_t prm_options_number(const struct prm_options *options, const char *name,
			    uint64_t fallback);

/**
 * prm_options_bool() - the value of a property that is a truth value
 * @options:  the options that create was given
 * @name:     the property's name
 * @fallback: what to return if it was not given
 *
 * Return: the value, or @fallback.
 */
bool prm_options_bool(const struct prm_options *options, const char *name,
		      bool fallback);

#ifdef __cplusplus
}
#endif

#endif
