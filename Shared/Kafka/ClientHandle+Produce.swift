import CKafka

extension ClientHandle {
  /// Queues a message; key, headers and value are copied. Unless it returns an error, a delivery report with `opaque` follows.
  func produce(_ message: OutgoingMessage, opaque: UnsafeMutableRawPointer) -> rd_kafka_resp_err_t {
    let headers = rd_kafka_headers_new(message.headers.count)
    for (name, value) in message.headers {
      var value = value
      let code = value.withUTF8 { bytes in
        rd_kafka_header_add(headers, name, name.utf8.count, bytes.baseAddress, bytes.count)
      }
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        rd_kafka_headers_destroy(headers)
        return code
      }
    }
    let error = message.topic.withCString { topic in
      message.value.withUnsafeBytes { value in
        (message.key ?? []).withUnsafeBytes { key in
          var arguments = [rd_kafka_vu_t](repeating: rd_kafka_vu_t(), count: 7)
          arguments[0].vtype = RD_KAFKA_VTYPE_TOPIC
          arguments[0].u.cstr = topic
          arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION
          arguments[1].u.i32 = message.partition ?? -1
          arguments[2].vtype = RD_KAFKA_VTYPE_VALUE
          arguments[2].u.mem = .init(ptr: UnsafeMutableRawPointer(mutating: value.baseAddress), size: value.count)
          arguments[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS
          arguments[3].u.i = RD_KAFKA_MSG_F_COPY
          arguments[4].vtype = RD_KAFKA_VTYPE_OPAQUE
          arguments[4].u.ptr = opaque
          arguments[5].vtype = RD_KAFKA_VTYPE_HEADERS
          arguments[5].u.headers = headers
          arguments[6].vtype = RD_KAFKA_VTYPE_KEY
          arguments[6].u.mem = .init(ptr: UnsafeMutableRawPointer(mutating: key.baseAddress), size: key.count)
          return rd_kafka_produceva(pointer, arguments, message.key == nil ? 6 : 7)
        }
      }
    }
    guard let error else { return RD_KAFKA_RESP_ERR_NO_ERROR }
    let code = rd_kafka_error_code(error)
    rd_kafka_error_destroy(error)
    rd_kafka_headers_destroy(headers)
    return code
  }
}
