/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What -h prints: all there is to know to start the helper, on one screen. */

#include "helper/serve/limits.h"
#include "helper/start/arguments.h"

static const char usage[] =
	"Usage: %s [OPTION]...\n"
	"Send SCSI persistent reservation commands for virtual machines that "
	"may not.\n"
	"\n"
	"Without options, listens on " PRM_DEFAULT_SOCKET ",\n"
	"stays in the foreground, and keeps one capability: CAP_SYS_RAWIO.\n"
	"\n";

static const char socket_options[] =
	"Socket\n"
	"  -k, --socket PATH       listen on PATH; not with socket activation\n"
	"      --socket-mode MODE  permissions of the socket file, such as "
	"0660\n"
	"                          (default: what the umask leaves of 0777)\n"
	"      --socket-owner USER[:GROUP]\n"
	"                          owner and group of the socket file\n"
	"\n";

static const char process_options[] =
	"Process\n"
	"  -d, --daemon            go to the background once the socket is "
	"up;\n"
	"                          writes a pid file\n"
	"  -f, --pidfile PATH      write and lock the pid file PATH\n"
	"                          (default with -d: " PRM_DEFAULT_PIDFILE ")\n"
	"  -u, --user USER         give up root for USER and its group\n"
	"  -g, --group GROUP       and for GROUP\n"
	"      --sandbox on|log|off\n"
	"                          refuse system calls that are not needed, or "
	"only\n"
	"                          log them (default: %s)\n"
	"\n";

static const char limit_options[] =
	"Limits\n"
	"      --timeout SECONDS   what a client waits at the most, and how "
	"long\n"
	"                          stopping may take (default: %d)\n"
	"      --max-sessions N    clients at a time (default: %d)\n"
	"      --max-workers N     commands inside devices at a time "
	"(default: %d)\n"
	"\n"
	"Multipath\n"
	"      --multipath-program PATH\n"
	"                          what runs commands on multipath maps\n"
	"                          (default: " PRM_MULTIPATH_PROGRAM ")\n"
	"\n";

static const char log_options[] =
	"Messages\n"
	"  -q, --quiet             log errors only\n"
	"  -v, --verbose           log clients and decisions; twice: bytes, "
	"too\n"
	"  -T, --trace [enable=]PATTERN[,events=FILE][,file=FILE]\n"
	"                          log trace events; -T help lists them\n"
	"\n"
	"  -h, --help              print this and exit\n"
	"  -V, --version           print the version and exit\n"
	"\n"
	"USER and GROUP may be names or numbers. SIGTERM, SIGINT and SIGHUP "
	"end the\n"
	"helper when the requests that have begun are answered. More in "
	"pr-helper(8).\n";

void prm_arguments_help(FILE *out, const char *name)
{
	(void)fprintf(out, usage, name);
	(void)fputs(socket_options, out);
	(void)fprintf(out, process_options,
		      prm_sandbox_name(prm_sandbox_default()));
	(void)fprintf(out, limit_options, PRM_TIMEOUT_MS / 1000,
		      PRM_MAX_SESSIONS, PRM_MAX_WORKERS);
	(void)fputs(log_options, out);
}
