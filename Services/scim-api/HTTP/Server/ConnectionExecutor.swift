import NIOCore

/// Runs what is done for a connection on the event loop of its socket.
///
/// A request waits for other threads, which bring what PostgreSQL and Kafka answer. It goes on where its own answer is written, rather than
/// on whichever loop is next: each hand-over from one thread to another may wake a processor.
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
