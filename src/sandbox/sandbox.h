/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SANDBOX_SANDBOX_H
#define PRM_SANDBOX_SANDBOX_H

/*
 * The system calls that a process may make, as a table, and the filter that
 * holds it to them.
 *
 *	static const struct prm_sandbox_rule calls[] = {
 *		{ "recvmsg" },
 *		{ "ioctl", { PRM_SANDBOX_IS(1, SG_IO) } },
 *		{ NULL },
 *	};
 *	prm_sandbox_apply(PRM_SANDBOX_ON, (const struct prm_sandbox_rule *[]){
 *		prm_sandbox_c_library, calls, NULL });
 *
 * A call that is in no table is refused with EPERM and has no effect.  It does
 * not end the process: what a client sends must not (I2), and a C library that
 * tries something new deserves an error before it deserves a funeral.
 *
 * Errors: 0 or a negative errno.
 */

#include <stdint.h>

/**
 * enum prm_sandbox_mode - what happens to a call that is in no table
 * @PRM_SANDBOX_OFF: it is made; there is no filter
 * @PRM_SANDBOX_LOG: it is made, and the kernel's audit log tells of it
 * @PRM_SANDBOX_ON:  it is refused, and the kernel's audit log tells of it
 */
enum prm_sandbox_mode {
	PRM_SANDBOX_OFF,
	PRM_SANDBOX_LOG,
	PRM_SANDBOX_ON,
};

/* The most arguments that a rule looks at. */
#define PRM_SANDBOX_CHECKS 2

/* In place of a value: the id of the process that applies the table. */
#define PRM_SANDBOX_OWN_PID UINT64_MAX

/**
 * struct prm_sandbox_check - what an argument has to be
 * @argument: its number, from 0
 * @mask:     the bits that are looked at; 0 ends the list
 * @value:    what they have to be, or PRM_SANDBOX_OWN_PID
 */
struct prm_sandbox_check {
	unsigned int argument;
	uint64_t mask;
	uint64_t value;
};

/* An int or unsigned int that has one value. The kernel ignores upper bits. */
#define PRM_SANDBOX_IS(argument_, value_)                                      \
	{                                                                      \
		(argument_), 0xffffffff, (value_)                              \
	}

/* An int, or a pointer, that has none of these bits. */
#define PRM_SANDBOX_LACKS(argument_, mask_)                                    \
	{                                                                      \
		(argument_), (mask_), 0                                        \
	}

/* An int that has all of these bits. */
#define PRM_SANDBOX_HAS(argument_, mask_)                                      \
	{                                                                      \
		(argument_), (mask_), (mask_)                                  \
	}

/**
 * struct prm_sandbox_rule - a system call that may be made
 * @call:   its name; NULL ends a table. A name that this architecture, or this
 *          libseccomp, does not know counts for nothing
 * @checks: what its arguments have to be, all of them. Several rules for one
 *          call are alternatives. What arrives in memory (openat2, clone3, and
 *          socketcall on i386 and s390x) cannot be looked at
 */
struct prm_sandbox_rule {
	const char *call;
	struct prm_sandbox_check checks[PRM_SANDBOX_CHECKS];
};

/*
 * What the C library needs for memory, threads, time and stdio, whatever the
 * program does.  No memory becomes executable.
 */
extern const struct prm_sandbox_rule prm_sandbox_c_library[];

/**
 * prm_sandbox_default() - what --sandbox is when it is not given
 *
 * Return: PRM_SANDBOX_ON, or PRM_SANDBOX_OFF where this build can do nothing
 * else; see prm_sandbox_obstacle().
 */
enum prm_sandbox_mode prm_sandbox_default(void);

/**
 * prm_sandbox_obstacle() - why this build has no filter
 *
 * Return: words that follow "this program was built", or NULL if it has one.
 */
const char *prm_sandbox_obstacle(void);

/**
 * prm_sandbox_parse() - the argument of --sandbox
 * @text:     "on", "log" or "off"
 * @ret_mode: written on success only
 *
 * Return: 0; -EINVAL for another word; -ENOTSUP where prm_sandbox_obstacle()
 * says why it can only be "off".
 */
int prm_sandbox_parse(const char *text, enum prm_sandbox_mode *ret_mode);

/* The word for @mode that prm_sandbox_parse() takes. */
const char *prm_sandbox_name(enum prm_sandbox_mode mode);

/**
 * prm_sandbox_apply() - hold this thread, and those it starts, to some tables
 * @mode:   PRM_SANDBOX_OFF does nothing
 * @tables: ends with NULL; each ends with a rule without a name
 *
 * Sets no_new_privs. Cannot be undone, and applies to programs that are
 * executed too; a second filter can only forbid more. A call by another ABI of
 * the machine (i386 on x86-64) ends the process: nothing of ours makes one.
 *
 * Return: 0; -ENOTSUP where this build has no filter; -EOPNOTSUPP where this
 * kernel has no such log; -ENOMEM; or why the kernel takes no filter.
 */
int prm_sandbox_apply(enum prm_sandbox_mode mode,
		      const struct prm_sandbox_rule *const *tables);

#endif
