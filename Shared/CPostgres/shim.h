#include <libpq-fe.h>

/// Ends a query's part of the pipeline. From libpq 17 on it is only put into the buffer, and `PQflush` sends what all queries of a turn
/// left there at once; an older libpq sends at every sync.
static inline int rollcall_put_sync(PGconn *connection) {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
  return PQsendPipelineSync(connection);
#else
  return PQpipelineSync(connection);
#endif
}
