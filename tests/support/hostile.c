/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hostile sessions by the hundred thousand.
 *
 *	hostile SOCKET DEVICE COUNT SEED
 *	hostile --list
 *
 * SOCKET is where the daemon under test listens, DEVICE what its devices are
 * like: opened, and passed by clients that do nothing else that is right.  The
 * table below is the list of what a client can do wrong, and of the descriptors
 * it can pass, each with what it must see of that.  COUNT sessions are picked
 * from it at random, and after every eighth an honest client is served.
 *
 * Prints how often each kind was played; ends with 1 and says which one, where
 * an answer was not as expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Only what hangs waits this long. */
#define PATIENCE_MS 120000

#define HONEST_EVERY 8

#define CDB_LEN  16
#define LIST_LEN 24
#define HEAD_LEN 104
#define FDS_MAX  253
#define DATA_MAX 8192

#define PR_IN  0x5e
#define PR_OUT 0x5f

/* What is there of a request, and the device as the daemon's clients have it. */
static struct {
	struct sockaddr_un address;
	int device;
	uint64_t random;
	const char *kind;
	unsigned long session;
} me;

static void fail(const char *what)
{
	(void)fprintf(stderr, "hostile: session %lu, %s: %s (errno %s)\n",
		      me.session, me.kind, what, strerror(errno));
	exit(1);
}

#define EXPECT(what)                                                           \
	do {                                                                   \
		if (!(what))                                                   \
			fail(#what);                                           \
	} while (0)

/* A number below @limit; the same ones for the same seed. */
static unsigned int any(unsigned int limit)
{
	me.random = me.random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return (unsigned int)(me.random >> 33) % limit;
}

/* Whether all was sent: the daemon may have hung up already. */
static bool send_with(int sock, const void *bytes, size_t len, const int *fds,
		      size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes,
			      .iov_len = len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (!len)
		return true;
	if (count) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	return sendmsg(sock, &message, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool send_fd(int sock, const void *bytes, size_t len, int fd)
{
	return send_with(sock, bytes, len, &fd, fd >= 0);
}

/* Bytes up to @len, fewer at the end of the connection. */
static size_t receive(int sock, void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		struct pollfd at = { .fd = sock, .events = POLLIN };
		ssize_t n;

		if (poll(&at, 1, PATIENCE_MS) <= 0)
			fail("no answer");
		n = recv(sock, (char *)bytes + done, len - done, 0);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static int dial(void)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT(sock >= 0);
	EXPECT(connect(sock, (const struct sockaddr *)&me.address,
		       sizeof(me.address)) == 0);
	return sock;
}

static int greet(void)
{
	int sock = dial();
	uint8_t hello[4];

	EXPECT(receive(sock, hello, 4) == 4);
	EXPECT(send_fd(sock, "\0\0\0\0", 4, -1));
	return sock;
}

static void make_cdb(uint8_t cdb[CDB_LEN], uint8_t opcode, unsigned int length)
{
	memset(cdb, 0, CDB_LEN);
	cdb[0] = opcode;
	cdb[1] = opcode == PR_OUT ? 6 : 0;
	cdb[7] = (uint8_t)(length >> 8);
	cdb[8] = (uint8_t)length;
}

/* What a client sees. */

static void expect_end(int sock)
{
	uint8_t byte;

	EXPECT(receive(sock, &byte, 1) == 0);
}

static void expect_reply(int sock, bool good)
{
	static uint8_t data[DATA_MAX];
	uint8_t head[HEAD_LEN];
	size_t size;

	EXPECT(receive(sock, head, sizeof(head)) == sizeof(head));
	EXPECT(!head[0] && !head[1] && !head[2] && !head[4] && !head[5]);
	size = (size_t)head[6] << 8 | head[7];
	EXPECT(size <= sizeof(data));
	EXPECT(receive(sock, data, size) == size);
	EXPECT(head[3] == (good ? 0 : 2));
	/* 05/20/00, which no initiator tries again. */
	EXPECT(good || (head[10] == 5 && head[20] == 0x20 && head[21] == 0));
	EXPECT(good || !size);
}

static void expect_good(int sock)
{
	expect_reply(sock, true);
}

static void expect_refusal(int sock)
{
	expect_reply(sock, false);
}

static void expect_nothing(int sock)
{
	(void)sock;
}

/* The handshake */

static int unknown_feature(void)
{
	const uint32_t bit = UINT32_C(1) << any(32);
	int sock = dial();
	uint8_t hello[4];

	EXPECT(receive(sock, hello, 4) == 4);
	EXPECT(send_fd(sock, &bit, 4, -1));
	return sock;
}

static int leaves_in_hello(void)
{
	int sock = dial();

	(void)send_fd(sock, "\0\0\0\0", any(4), -1);
	return sock;
}

static int descriptors_with_hello(void)
{
	int fds[4] = { me.device, me.device, me.device, me.device };
	uint8_t hello[4], cdb[CDB_LEN];
	int sock = dial();

	EXPECT(receive(sock, hello, 4) == 4);
	EXPECT(send_with(sock, "\0\0\0\0", 4, fds, 1 + any(4)));
	make_cdb(cdb, PR_IN, 8);
	EXPECT(send_fd(sock, cdb, sizeof(cdb), me.device));
	return sock;
}

/* The CDB and its descriptor */

static int pieces(void)
{
	unsigned int at = any(CDB_LEN);
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, PR_IN, 8);
	EXPECT(send_fd(sock, cdb, at, -1));
	EXPECT(send_fd(sock, cdb + at, 1, me.device));
	EXPECT(send_fd(sock, cdb + at + 1, CDB_LEN - at - 1, -1));
	return sock;
}

static int many_descriptors(size_t count)
{
	unsigned int at = any(CDB_LEN);
	uint8_t cdb[CDB_LEN];
	int fds[FDS_MAX], sock = greet();

	for (size_t i = 0; i < count; i++)
		fds[i] = me.device;
	make_cdb(cdb, PR_IN, 8);
	(void)send_fd(sock, cdb, at, -1);
	(void)send_with(sock, cdb + at, CDB_LEN - at, fds, count);
	return sock;
}

static int no_descriptor(void)
{
	return many_descriptors(0);
}

static int two_descriptors(void)
{
	return many_descriptors(2);
}

static int seventeen_descriptors(void)
{
	return many_descriptors(17);
}

static int all_descriptors(void)
{
	return many_descriptors(FDS_MAX);
}

static int second_descriptor(void)
{
	unsigned int at = 1 + any(CDB_LEN - 1);
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, PR_IN, 8);
	(void)send_fd(sock, cdb, at, me.device);
	(void)send_fd(sock, cdb + at, CDB_LEN - at, me.device);
	return sock;
}

static int send_cdb(uint8_t opcode, unsigned int length, size_t at,
		    uint8_t value)
{
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, opcode, length);
	if (at)
		cdb[at] = value;
	EXPECT(send_fd(sock, cdb, sizeof(cdb), me.device));
	return sock;
}

static int other_opcode(void)
{
	uint8_t opcode = (uint8_t)any(256);

	return send_cdb(opcode == PR_IN || opcode == PR_OUT ? 0xff : opcode, 8,
			0, 0);
}

static int too_long(void)
{
	return send_cdb(any(2) ? PR_IN : PR_OUT,
			DATA_MAX + 1 + any(65535 - DATA_MAX), 0, 0);
}

static int long_list(void)
{
	return send_cdb(PR_OUT, LIST_LEN, 5 + any(2), (uint8_t)(1 + any(255)));
}

static int padding(void)
{
	return send_cdb(PR_IN, 8, 10 + any(6), (uint8_t)any(256));
}

static int leaves_in_cdb(void)
{
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, PR_OUT, LIST_LEN);
	(void)send_fd(sock, cdb, 1 + any(CDB_LEN), any(2) ? me.device : -1);
	return sock;
}

static int half_closes_in_cdb(void)
{
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, PR_IN, 8);
	EXPECT(send_fd(sock, cdb, any(CDB_LEN), me.device));
	(void)shutdown(sock, SHUT_WR);
	return sock;
}

static int garbage(void)
{
	uint8_t bytes[64];
	int sock = greet();

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)any(256);
	if (any(2))
		bytes[0] = PR_OUT;
	(void)send_fd(sock, bytes, 1 + any(sizeof(bytes)),
		      any(2) ? me.device : -1);
	return sock;
}

/* The parameter list */

static int begin_list(void)
{
	return send_cdb(PR_OUT, LIST_LEN, 0, 0);
}

static int leaves_in_list(void)
{
	static const uint8_t list[LIST_LEN];
	int sock = begin_list();

	(void)send_fd(sock, list, any(LIST_LEN + 1), -1);
	return sock;
}

static int half_closes_in_list(void)
{
	static const uint8_t list[LIST_LEN];
	int sock = begin_list();

	EXPECT(send_fd(sock, list, any(LIST_LEN), -1));
	(void)shutdown(sock, SHUT_WR);
	return sock;
}

static int descriptor_with_list(void)
{
	static const uint8_t list[LIST_LEN];
	unsigned int at = any(LIST_LEN);
	int sock = begin_list();

	EXPECT(send_fd(sock, list, at, -1));
	EXPECT(send_fd(sock, list + at, LIST_LEN - at, me.device));
	return sock;
}

/* Replies */

static int leaves_before_reply(void)
{
	return send_cdb(PR_IN, DATA_MAX, 0, 0);
}

static int half_closes_before_reply(void)
{
	int sock = send_cdb(PR_IN, 8, 0, 0);

	(void)shutdown(sock, SHUT_WR);
	return sock;
}

/* Now and then more than the kernel holds for who does not read. */
static int never_reads(void)
{
	unsigned int count = any(16) ? 10 : 2000;
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, PR_IN, DATA_MAX);
	(void)fcntl(sock, F_SETFL, O_NONBLOCK);
	for (unsigned int i = 0; i < count; i++)
		if (!send_fd(sock, cdb, sizeof(cdb), me.device))
			break;
	return sock;
}

static int asks_ahead(void)
{
	uint8_t cdb[CDB_LEN];
	int sock = send_cdb(PR_IN, 8, 0, 0);

	make_cdb(cdb, PR_IN, 8);
	for (int i = 0; i < 3; i++)
		EXPECT(send_fd(sock, cdb, sizeof(cdb), me.device));
	for (int i = 0; i < 3; i++)
		expect_good(sock);
	return sock;
}

/* Kinds of descriptors */

/* A request with this descriptor, which is closed. */
static int pass(int fd)
{
	uint8_t request[CDB_LEN + LIST_LEN] = { 0 };
	bool out = any(2);
	int sock = greet();

	EXPECT(fd >= 0);
	make_cdb(request, out ? PR_OUT : PR_IN, LIST_LEN);
	EXPECT(send_fd(sock, request, CDB_LEN + (out ? LIST_LEN : 0), fd));
	(void)close(fd);
	return sock;
}

static int open_it(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

static int path_only(void)
{
	return pass(open_it(any(2) ? "/" : "/dev/null", O_PATH));
}

static int folder(void)
{
	return pass(open_it("/", O_RDONLY | O_DIRECTORY));
}

static int regular_file(void)
{
	return pass(open_it("/proc/self/exe", O_RDONLY));
}

static int proc_file(void)
{
	return pass(open_it("/proc/self/mem", O_RDWR));
}

static int pipe_end(void)
{
	int fds[2];

	EXPECT(pipe2(fds, O_CLOEXEC) == 0);
	(void)close(fds[0]);
	return pass(fds[1]);
}

static int socket_end(void)
{
	int fds[2];

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	(void)close(fds[0]);
	return pass(fds[1]);
}

static int another_session(void)
{
	return pass(greet());
}

/* What would keep itself open for ever if it were not looked at. */
static int itself(void)
{
	uint8_t cdb[CDB_LEN];
	int sock = greet();

	make_cdb(cdb, PR_IN, 8);
	EXPECT(send_fd(sock, cdb, sizeof(cdb), sock));
	return sock;
}

static int itself_ahead(void)
{
	uint8_t cdb[CDB_LEN];
	int sock = send_cdb(PR_IN, 8, 0, 0);

	make_cdb(cdb, PR_IN, 8);
	(void)send_fd(sock, cdb, 1 + any(CDB_LEN), sock);
	return sock;
}

static int epoll_set(void)
{
	return pass(epoll_create1(EPOLL_CLOEXEC));
}

static int event_counter(void)
{
	return pass(eventfd(0, EFD_CLOEXEC));
}

static int memory_file(void)
{
	return pass(memfd_create("hostile", MFD_CLOEXEC));
}

static int process(void)
{
	return pass((int)syscall(SYS_pidfd_open, getpid(), 0));
}

static int null_device(void)
{
	return pass(open_it("/dev/null", O_RDWR));
}

static int zero_device(void)
{
	return pass(open_it("/dev/zero", O_RDWR));
}

static int terminal(void)
{
	int master, slave;

	EXPECT(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	if (any(2)) {
		(void)close(slave);
		return pass(master);
	}
	(void)close(master);
	return pass(slave);
}

/* Those who wait for something close afterwards, the others at once. */
static const struct {
	const char *name;
	const char *answer;
	int (*play)(void);
	void (*expect)(int sock);
} kinds[] = {
	{ "a feature that nobody offered", "closed", unknown_feature,
	  expect_end },
	{ "leaves before or within the hello", "-", leaves_in_hello,
	  expect_nothing },
	{ "descriptors with the hello", "they mean nothing",
	  descriptors_with_hello, expect_good },
	{ "CDB in pieces, descriptor with any byte", "GOOD", pieces,
	  expect_good },
	{ "no descriptor", "closed", no_descriptor, expect_end },
	{ "two descriptors", "closed", two_descriptors, expect_end },
	{ "17 descriptors", "closed", seventeen_descriptors, expect_end },
	{ "253 descriptors", "closed", all_descriptors, expect_end },
	{ "a second descriptor with a later byte", "closed", second_descriptor,
	  expect_end },
	{ "another opcode", "closed", other_opcode, expect_end },
	{ "a length above 8192", "closed", too_long, expect_end },
	{ "a list length of four bytes", "closed", long_list, expect_end },
	{ "anything in bytes 10 to 15", "GOOD", padding, expect_good },
	{ "leaves within the CDB", "-", leaves_in_cdb, expect_nothing },
	{ "half-closes within the CDB", "closed", half_closes_in_cdb,
	  expect_end },
	{ "any bytes", "-", garbage, expect_nothing },
	{ "leaves within the list", "-", leaves_in_list, expect_nothing },
	{ "half-closes within the list", "closed", half_closes_in_list,
	  expect_end },
	{ "a descriptor with the list", "it means nothing",
	  descriptor_with_list, expect_good },
	{ "leaves before the reply", "-", leaves_before_reply, expect_nothing },
	{ "half-closes before the reply", "GOOD", half_closes_before_reply,
	  expect_good },
	{ "never reads", "-", never_reads, expect_nothing },
	{ "asks ahead", "GOOD, in order", asks_ahead, expect_good },
	{ "O_PATH", "05/20/00", path_only, expect_refusal },
	{ "directory", "05/20/00", folder, expect_refusal },
	{ "regular file", "05/20/00", regular_file, expect_refusal },
	{ "/proc/PID/mem", "05/20/00", proc_file, expect_refusal },
	{ "pipe", "05/20/00", pipe_end, expect_refusal },
	{ "socket", "05/20/00", socket_end, expect_refusal },
	{ "another session", "05/20/00", another_session, expect_refusal },
	{ "the session itself", "05/20/00", itself, expect_refusal },
	{ "the session itself, sent ahead", "-", itself_ahead, expect_good },
	{ "epoll", "05/20/00", epoll_set, expect_refusal },
	{ "eventfd", "05/20/00", event_counter, expect_refusal },
	{ "memfd", "05/20/00", memory_file, expect_refusal },
	{ "pidfd", "05/20/00", process, expect_refusal },
	{ "/dev/null", "05/20/00", null_device, expect_refusal },
	{ "/dev/zero", "05/20/00", zero_device, expect_refusal },
	{ "terminal", "05/20/00", terminal, expect_refusal },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void serve_honest(void)
{
	int sock;

	me.kind = "an honest client";
	sock = send_cdb(PR_IN, DATA_MAX, 0, 0);
	expect_good(sock);
	(void)close(sock);
}

static void play(unsigned long count)
{
	unsigned long played[KINDS] = { 0 };

	for (me.session = 1; me.session <= count; me.session++) {
		/* Each once at first, however few there are. */
		unsigned int kind = me.session <= KINDS
					    ? (unsigned int)me.session - 1
					    : any(KINDS);
		int sock;

		me.kind = kinds[kind].name;
		sock = kinds[kind].play();
		kinds[kind].expect(sock);
		(void)close(sock);
		played[kind]++;
		if (me.session % HONEST_EVERY == 0)
			serve_honest();
	}
	for (size_t i = 0; i < KINDS; i++)
		(void)printf("%8lu  %-42s %s\n", played[i], kinds[i].name,
			     kinds[i].answer);
}

static int list(void)
{
	for (size_t i = 0; i < KINDS; i++)
		(void)printf("%-42s %s\n", kinds[i].name, kinds[i].answer);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	if (argc != 5)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	me.address.sun_family = AF_UNIX;
	(void)strncpy(me.address.sun_path, argv[1],
		      sizeof(me.address.sun_path) - 1);
	me.random = strtoull(argv[4], NULL, 10);
	me.device = open_it(argv[2], O_RDWR);
	EXPECT(me.device >= 0);
	play(strtoul(argv[3], NULL, 10));
	return 0;
}
