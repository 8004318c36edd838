#ifndef ROLLCALL_CARES_SHIM_H
#define ROLLCALL_CARES_SHIM_H

#include <ares.h>

// Swift cannot use function-like macros, and the type of the status codes differs between versions of c-ares.

static inline int rollcall_ares_is_readable(int bits, int index) { return ARES_GETSOCK_READABLE(bits, index) != 0; }
static inline int rollcall_ares_is_writable(int bits, int index) { return ARES_GETSOCK_WRITABLE(bits, index) != 0; }

static const ares_socket_t rollcall_ares_no_socket = ARES_SOCKET_BAD;
static const int rollcall_ares_maximum_sockets = ARES_GETSOCK_MAXNUM;

static inline int rollcall_ares_is_success(int status) { return status == ARES_SUCCESS; }
// The name does not exist, or has no record of the type.
static inline int rollcall_ares_is_absence(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

// Internet class and TXT type (RFC 1035 §3.2).
static inline void rollcall_ares_query_txt(ares_channel channel, const char *name, ares_callback callback, void *context) {
  ares_query(channel, name, 1, 16, callback, context);
}

static inline int rollcall_ares_init(ares_channel *channel, int timeout_milliseconds, int tries) {
  struct ares_options options = {0};
  options.timeout = timeout_milliseconds;
  options.tries = tries;
  return ares_init_options(channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
}

#endif
