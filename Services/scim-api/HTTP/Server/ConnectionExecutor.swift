import NIOCore

/// A task executor that runs the tasks of a connection on the event loop of its socket.
///
/// A request that waited for PostgreSQL or Kafka resumes on the thread that writes its response. This avoids a context switch for each
/// response.
final class ConnectionExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(of channel: any Channel) {
    loop = channel.eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
