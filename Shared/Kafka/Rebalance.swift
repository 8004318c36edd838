import CKafka
import Foundation
import Logging

/// The rebalance callback of a consumer: assigns and revokes partitions. Called on the polling thread.
struct Rebalance: Sendable {
  let buffer: BatchBuffer
  let assignment: Assignment
  let starts: StartOffsets
  let logger: Logger

  /// How long the revocation waits for the commit of the batch that is being processed, in seconds, so that it is not processed again.
  private static let commitTimeout: TimeInterval = 2

  @Sendable
  func handle(_ client: OpaquePointer, _ code: rd_kafka_resp_err_t, _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    let partitions = list.entries.map(\.partition)
    let isCooperative = rd_kafka_rebalance_protocol(client).map { String(cString: $0) } == "COOPERATIVE"
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      logger.info("partitions assigned", metadata: ["kafka.partitions": "\(partitions)"])
      assignment.add(partitions)
      starts.resolve(list, client)
      if isCooperative {
        report(rd_kafka_incremental_assign(client, list))
      } else {
        report(rd_kafka_assign(client, list))
      }
      // A partition that was paused when it was revoked stays paused when it is assigned again (librdkafka 2.0.2).
      report(rd_kafka_resume_partitions(client, list))
      return
    }
    if code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS {
      logger.warning("the group's rebalance failed: \(String(cString: rd_kafka_err2str(code)))")
    }
    buffer.dropReady()
    if rd_kafka_assignment_lost(client) == 0 {
      _ = buffer.waitUntilReleased(until: Date(timeIntervalSinceNow: Self.commitTimeout))
    }
    assignment.remove(partitions)
    starts.remove(partitions)
    logger.info("partitions revoked", metadata: ["kafka.partitions": "\(partitions)"])
    if isCooperative {
      report(rd_kafka_incremental_unassign(client, list))
    } else {
      report(rd_kafka_assign(client, nil))
    }
  }

  private func report(_ code: rd_kafka_resp_err_t) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    logger.error("the assignment failed: \(String(cString: rd_kafka_err2str(code)))")
  }

  private func report(_ error: OpaquePointer?) {
    guard let error else { return }
    logger.error("the assignment failed: \(String(cString: rd_kafka_error_string(error)))")
    rd_kafka_error_destroy(error)
  }
}
