import CKafka

/// Computes the partition of a message's key, as the producers of the suite and Java clients choose it (murmur2).
package enum KeyPartitioner {
  /// The partition of `key` on a topic.
  ///
  /// - Parameter partitions: The number of partitions of the topic, at least 1.
  package static func partition(of key: String, among partitions: Int) -> Int32 {
    var key = key
    return key.withUTF8 { bytes in
      // librdkafka's function uses only the key and the number of partitions.
      rd_kafka_msg_partitioner_murmur2(nil, bytes.baseAddress, bytes.count, Int32(clamping: max(1, partitions)), nil, nil)
    }
  }
}
