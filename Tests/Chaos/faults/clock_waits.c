// Corrects what libfaketime does to waits. It changes the time from which a process computes the end of a wait; the wait itself must fit.
//
// - Of the timed waits for conditions it knows those of POSIX threads, but not those of C11 threads, which librdkafka uses: each would be longer or
//   shorter by the step of the clock. In glibc, the types of C11 threads are those of POSIX threads.
// - It moves the end of every timer descriptor by the step, also on monotonic clocks, which do not step. libdispatch, and with it every timer of
//   Swift, uses these.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict end) {
  switch (pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, end)) {
    case 0: return thrd_success;
    case ETIMEDOUT: return thrd_timedout;
    default: return thrd_error;
  }
}

// Whether the timer with this descriptor has a clock that steps.
static atomic_bool steps[1 << 16];

int timerfd_create(int clock, int flags) {
  int descriptor = syscall(SYS_timerfd_create, clock, flags);
  if (descriptor >= 0 && descriptor < 1 << 16) steps[descriptor] = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
  return descriptor;
}

int timerfd_settime(int descriptor, int flags, const struct itimerspec *end, struct itimerspec *previous) {
  if (descriptor >= 0 && descriptor < 1 << 16 && steps[descriptor]) {
    int (*next)(int, int, const struct itimerspec *, struct itimerspec *) = dlsym(RTLD_NEXT, "timerfd_settime");
    return next(descriptor, flags, end, previous);
  }
  return syscall(SYS_timerfd_settime, descriptor, flags, end, previous);
}
