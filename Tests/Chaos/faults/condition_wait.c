// Lets libfaketime apply to the timed wait of C11 threads, which librdkafka uses. libfaketime changes the time from which librdkafka computes the end
// of a wait, but of the waits only those of POSIX threads; each wait of librdkafka would be longer or shorter by the step of the clock.
//
// In glibc, the types of C11 threads are those of POSIX threads.

#include <errno.h>
#include <pthread.h>
#include <threads.h>

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict end) {
  switch (pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, end)) {
    case 0: return thrd_success;
    case ETIMEDOUT: return thrd_timedout;
    default: return thrd_error;
  }
}
