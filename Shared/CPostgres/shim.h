#include <libpq-fe.h>

/// Buffers a sync, which ends a request in pipeline mode. Since libpq 17 a sync is only buffered, and `PQflush` sends the requests of a
/// turn together; older versions send at every sync.
static inline int rollcall_put_sync(PGconn *connection) {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
  return PQsendPipelineSync(connection);
#else
  return PQpipelineSync(connection);
#endif
}
