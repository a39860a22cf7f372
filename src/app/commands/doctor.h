/* `tintype doctor`: check that a server can run as the settings say, or does, and say what to do about what is wrong.
 *
 * Each check is a function that reports one or more lines. It works with the server running, which is asked then, and without; nothing
 * is changed, but for an object that is written to a remote store and removed again. */
#ifndef APP_COMMANDS_DOCTOR_H
#define APP_COMMANDS_DOCTOR_H

#include "base/arena.h"
#include "config/settings_table.h"
#include "http/client/client.h"

/* argv[0] is the verb. Gives the exit status: 0 nothing has failed, 1 something has, 2 wrong use. */
int doctor_main(int argc, char **argv);
const struct flag_name *doctor_flag(size_t i);
#define DOCTOR_ABOUT \
	"Each line is ok, warning or failed, with what to do about it. Exit status: 0 nothing has failed, 1 something has, 2 wrong use.\n" \
	"Run it as the server's user, with the server's settings. It asks the server where one runs."

/* For the checks. */

enum doctor_state { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

#define DOCTOR_TEXT_BYTES 1024

struct doctor {
	struct settings settings;
	bool json;
	bool settings_hold;                      /* a server would start with them */
	bool remote;                             /* images are stored remotely */
	bool running;                            /* a server uses the data directory, or answers */
	bool silent;                             /* the running server does not respond */
	char api[160], storage[160], admin[160]; /* its URLs, as far as the settings say them; "" */
	const char *check;                       /* that reports */
	unsigned warnings, failures;
};

/* Report a line.
 * advice  what to do about it; NULL where it is ok */
void doctor_report(struct doctor *d, enum doctor_state state, const char *advice, const char *fmt, ...) PRINTF(4, 5);
/* Write the text of a fault, with its cause, without a full stop at the end. Returns `text`. */
const char *doctor_text_of(const struct fault *why, char text[DOCTOR_TEXT_BYTES]);
/* Report a failure: what it says, cut where it begins to say what to do, and the advice if it does not. */
void doctor_report_fault(struct doctor *d, enum doctor_state state, const char *advice, const struct fault *why);

/* Ask a URL, within seconds.
 * headers  may be NULL
 * Errors   those of http_send */
struct doctor_question {
	const char *method, *url;
	const struct header *headers;
	size_t n_headers;
	const char *own_cert; /* a file whose certificate is trusted too: of our own server; NULL or "": none */
};
enum status doctor_ask(const struct doctor_question *q, struct arena *a, struct http_response *out, struct fault *why) MUST_CHECK;
/* The difference between the clock of who answered and this one, by its Date, in seconds; 0 where it has none. */
int64_t doctor_clock_off_s(const struct http_response *r);

/* doctor_local.c */
void doctor_check_data(struct doctor *d);
void doctor_check_disk(struct doctor *d);
void doctor_check_clock(struct doctor *d);
void doctor_check_ports(struct doctor *d);
void doctor_check_certificate(struct doctor *d);
void doctor_check_renderer(struct doctor *d);
/* doctor_network.c */
void doctor_check_server(struct doctor *d);
void doctor_check_store(struct doctor *d);
void doctor_check_cors(struct doctor *d);
void doctor_check_issuer(struct doctor *d);
void doctor_check_webhook(struct doctor *d);

#endif
