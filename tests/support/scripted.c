/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that no machine has, for programs that are tested from outside.
 *
 * A program that has this linked in takes a regular file for a SCSI device if
 * the file has the sticky bit and begins with the line "prm-scripted-device".
 * The lines after it say what the device is and how it answers; they are read
 * for each command anew, so a test can write others in between:
 *
 *	type=block		or char
 *	device=8:16		its number
 *	uuid=mpath-1		of a device-mapper map; and for those
 *	slaves=sda sdb		what is below
 *	verdict=25		errno of SG_GET_VERSION_NUM
 *	verdict_hang=FIFO	which waits until somebody opens FIFO for writing
 *	error=5			errno of SG_IO
 *	host=1 driver=8 status=2	(hexadecimal, each on a line of its own)
 *	sense=700006..		data=..		resid=-1
 *	hang=FIFO		as verdict_hang
 *	attack=FILE		a daemon that was taken over tries this and that
 *				(attack.h), with SG_IO
 *	lu=NAME			a logical unit with a memory (lu.h), and
 *	nexus=NAME		the path to it
 *
 * "in." or "out." in front of a name limits it to that opcode.  What happens is
 * written to the pipe whose descriptor PRM_SCRIPTED_LOG names, a line for each
 * event, so that a test can wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <prmanager/command.h>
#include "base/fd.h"
#include "device/kernel.h"
#include "attack.h"
#include "lu.h"
#include "scsi/sense.h"

#define MAGIC "prm-scripted-device\n"

#define PR_OUT 0x5f

/* The longest script, in bytes: data in it takes two digits a byte. */
#define TEXT_SIZE 32768

/* Bytes of data that are logged; all of a basic parameter list. */
#define LOG_DATA_MAX 64

/* Lines that have become strings, and an empty one behind the last. */
struct script {
	char *text;
	char device[32];
};

static const struct prm_kernel *native;
static int log_fd = -1;

/*
 * sysfs is asked by number right after the descriptor was, by the same thread.
 */
static __thread char current_base[64];
static __thread char current_uuid[128];
static __thread char current_slaves[256];

static void log_event(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void log_event(const char *format, ...)
{
	char line[1024];
	va_list args;
	int len;

	if (log_fd < 0)
		return;
	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* Below PIPE_BUF, so that lines of several threads do not mix. */
	if (len > 0 && (size_t)len < sizeof(line))
		(void)!write(log_fd, line, (size_t)len);
}

/* The mode is known without a FUSE server; no file of one is sticky. */
static bool may_be_script(int fd)
{
	struct statx stx;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		     STATX_TYPE | STATX_MODE, &stx) == 0 &&
	       S_ISREG(stx.stx_mode) && (stx.stx_mode & S_ISVTX);
}

static bool read_script(int fd, struct script *script)
{
	/* One at a time; and memory may be what is missing. */
	static __thread char text[TEXT_SIZE];
	CLEANUP(prm_fd_closep) int readable = -1;
	char path[64], *end;
	ssize_t len;

	if (!may_be_script(fd))
		return false;
	/* The descriptor may have been opened for writing only. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readable = open(path, O_RDONLY | O_CLOEXEC);
	if (readable < 0)
		return false;
	script->text = text;
	len = read(readable, text, TEXT_SIZE - 2);
	if (len < 0)
		return false;
	text[len] = text[len + 1] = '\0';
	if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
		return false;
	for (end = script->text; (end = strchr(end, '\n'));)
		*end++ = '\0';
	return true;
}

static const char *find_name(const struct script *script, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = script->text; *line; line += strlen(line) + 1)
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			return line + len + 1;
	return NULL;
}

/* The value for one opcode (0 for none) if there is one, else for any. */
static const char *find_value(const struct script *script, uint8_t opcode,
			      const char *name)
{
	const char *value = NULL;
	char limited[64];

	(void)snprintf(limited, sizeof(limited), "%s.%s",
		       opcode == PR_OUT ? "out" : "in", name);
	if (opcode)
		value = find_name(script, limited);
	return value ? value : find_name(script, name);
}

static long find_number(const struct script *script, uint8_t opcode,
			const char *name, int base)
{
	const char *value = find_value(script, opcode, name);

	return value ? strtol(value, NULL, base) : 0;
}

static size_t find_bytes(const struct script *script, uint8_t opcode,
			 const char *name, uint8_t *bytes, size_t room)
{
	const char *value = find_value(script, opcode, name);
	size_t n = 0;

	if (!value)
		return 0;
	while (n < room && sscanf(value + 2 * n, "%2hhx", &bytes[n]) == 1)
		n++;
	return n;
}

static dev_t find_number_of(struct script *script)
{
	unsigned int major_number = 8, minor_number = 0;
	const char *value = find_name(script, "device");

	if (value)
		(void)sscanf(value, "%u:%u", &major_number, &minor_number);
	(void)snprintf(script->device, sizeof(script->device), "%u:%u",
		       major_number, minor_number);
	return makedev(major_number, minor_number);
}

static void hang(const struct script *script, uint8_t opcode, const char *name)
{
	const char *path = find_value(script, opcode, name);

	/* Opening one end of a FIFO waits for the other. */
	if (path)
		prm_fd_close(open(path, O_RDONLY | O_CLOEXEC));
}

static void copy_value(const struct script *script, const char *name,
		       char *copy, size_t size)
{
	const char *value = find_name(script, name);

	(void)snprintf(copy, size, "%s", value ? value : "");
}

static void remember(const struct script *script)
{
	(void)snprintf(current_base, sizeof(current_base), "dev/block/%s",
		       script->device);
	copy_value(script, "uuid", current_uuid, sizeof(current_uuid));
	copy_value(script, "slaves", current_slaves, sizeof(current_slaves));
}

static int scripted_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	struct script script = { NULL };
	const char *type;

	current_base[0] = '\0';
	if (!read_script(fd, &script))
		return native->stat(fd, ret_type, ret_number);
	*ret_number = find_number_of(&script);
	type = find_name(&script, "type");
	*ret_type = type && strcmp(type, "char") == 0 ? S_IFCHR : S_IFBLK;
	remember(&script);
	return 0;
}

static int scripted_sg_version(int fd)
{
	struct script script = { NULL };

	if (!read_script(fd, &script))
		return native->sg_version(fd);
	(void)find_number_of(&script);
	log_event("verdict device=%s\n", script.device);
	hang(&script, 0, "verdict_hang");
	return -(int)find_number(&script, 0, "verdict", 10);
}

static void log_command(const struct script *script, const char *event,
			const struct sg_io_hdr *hdr)
{
	char cdb[2 * 16 + 1] = "", data[2 * LOG_DATA_MAX + 1] = "";
	const uint8_t *bytes = hdr->dxferp;

	for (size_t i = 0; i < hdr->cmd_len && i < 16; i++)
		(void)sprintf(cdb + 2 * i, "%02x", hdr->cmdp[i]);
	if (hdr->dxfer_direction == SG_DXFER_TO_DEV)
		for (size_t i = 0; i < hdr->dxfer_len && i < LOG_DATA_MAX; i++)
			(void)sprintf(data + 2 * i, "%02x", bytes[i]);
	log_event("%s device=%s cdb=%s len=%u data=%s timeout_ms=%u\n", event,
		  script->device, cdb, hdr->dxfer_len, data, hdr->timeout);
}

static void put_data(struct sg_io_hdr *hdr, const uint8_t *data, size_t len)
{
	if (hdr->dxfer_direction != SG_DXFER_FROM_DEV)
		return;
	if (len > hdr->dxfer_len)
		len = hdr->dxfer_len;
	memcpy(hdr->dxferp, data, len);
	hdr->resid = (int)(hdr->dxfer_len - len);
}

static void put_sense(struct sg_io_hdr *hdr, const uint8_t *sense, size_t len)
{
	if (len > hdr->mx_sb_len)
		len = hdr->mx_sb_len;
	memcpy(hdr->sbp, sense, len);
	hdr->sb_len_wr = (unsigned char)len;
}

static void answer_from_lu(const struct script *script, const char *lu,
			   struct sg_io_hdr *hdr)
{
	uint8_t sense[PRM_SENSE_FIXED_LEN];
	const char *nexus = find_name(script, "nexus");
	struct lu_answer answer;

	lu_run(lu, nexus ? nexus : "", hdr->cmdp, hdr->dxferp, hdr->dxfer_len,
	       &answer);
	hdr->status = answer.status;
	put_data(hdr, answer.data, answer.data_len);
	if (answer.sense) {
		prm_sense_encode_code(answer.sense, sense);
		put_sense(hdr, sense, sizeof(sense));
		hdr->driver_status = 8;
	}
}

static void answer_from_script(const struct script *script, uint8_t opcode,
			       struct sg_io_hdr *hdr)
{
	uint8_t bytes[PRM_DATA_SIZE];
	const char *value;
	size_t len;

	hdr->host_status =
		(unsigned short)find_number(script, opcode, "host", 16);
	hdr->driver_status =
		(unsigned short)find_number(script, opcode, "driver", 16);
	hdr->status = (unsigned char)find_number(script, opcode, "status", 16);
	len = find_bytes(script, opcode, "sense", bytes, sizeof(bytes));
	put_sense(hdr, bytes, len);
	len = find_bytes(script, opcode, "data", bytes, sizeof(bytes));
	put_data(hdr, bytes, len);
	value = find_value(script, opcode, "resid");
	if (value)
		hdr->resid = (int)strtol(value, NULL, 10);
}

/* Where it is linked in: not into other programs than ours. */
__attribute__((weak)) void attack(const char *path,
				  void (*say)(const char *format, ...));

static int scripted_sg_io(int fd, struct sg_io_hdr *hdr)
{
	const char *lu, *target;
	struct script script = { NULL };
	uint8_t opcode;
	long error;

	if (!read_script(fd, &script))
		return native->sg_io(fd, hdr);
	(void)find_number_of(&script);
	opcode = hdr->cmdp[0];
	log_command(&script, "start", hdr);
	target = find_value(&script, opcode, "attack");
	if (target && attack)
		attack(target, log_event);
	hang(&script, opcode, "hang");
	error = find_number(&script, opcode, "error", 10);
	hdr->host_status = hdr->driver_status = 0;
	hdr->status = hdr->sb_len_wr = 0;
	hdr->resid = 0;
	lu = find_name(&script, "lu");
	if (!error && lu)
		answer_from_lu(&script, lu, hdr);
	else if (!error)
		answer_from_script(&script, opcode, hdr);
	log_command(&script, "end", hdr);
	return -(int)error;
}

/* What is behind the folder of the device of this thread, or NULL. */
static const char *tail_of(const char *path)
{
	size_t len = strlen(current_base);

	if (!len || strncmp(path, current_base, len) != 0)
		return NULL;
	return path[len] == '/' || path[len] == '\0' ? path + len : NULL;
}

static int scripted_read(const char *path, char *buf, size_t size)
{
	const char *tail = tail_of(path);

	if (!tail)
		return native->read(path, buf, size);
	if (strcmp(tail, "/dm/uuid") != 0 || current_uuid[0] == '\0')
		return -ENOENT;
	(void)snprintf(buf, size, "%s", current_uuid);
	return 0;
}

static int scripted_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
			 size_t max)
{
	char copy[sizeof(current_slaves)], *next = copy, *name;
	const char *tail = tail_of(path);
	size_t n = 0;

	if (!tail)
		return native->list(path, names, max);
	if (strcmp(tail, "/slaves") != 0)
		return -ENOENT;
	memcpy(copy, current_slaves, sizeof(copy));
	while ((name = strsep(&next, " "))) {
		if (*name == '\0')
			continue;
		if (n < max)
			(void)snprintf(names[n], PRM_KERNEL_NAME_SIZE, "%s",
				       name);
		n++;
	}
	return (int)n;
}

static int scripted_exists(const char *path)
{
	return tail_of(path) ? 0 : native->exists(path);
}

static const struct prm_kernel scripted = {
	.stat = scripted_stat,
	.sg_version = scripted_sg_version,
	.sg_io = scripted_sg_io,
	.read = scripted_read,
	.list = scripted_list,
	.exists = scripted_exists,
};

/* Before main(): the program under test has no line about this. */
__attribute__((constructor)) static void install(void)
{
	static struct prm_kernel table;
	const char *log = getenv("PRM_SCRIPTED_LOG");

	if (log)
		log_fd = (int)strtol(log, NULL, 10);
	native = prm_kernel();
	table = scripted;
	table.flags = native->flags;
	(void)prm_kernel_use(&table);
}
