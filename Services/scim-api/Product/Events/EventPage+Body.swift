import EdgeHTTP
import EdgeReads
import Foundation
import Models
import NIOCore

extension EventPage {
  /// The JSON of the page. The events are stored as JSON, which is copied.
  var body: ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(events.reduce(256) { $0 + $1.data.count + 320 })
    buffer.writeString("{\"events\":[")
    for (index, event) in events.enumerated() {
      if index > 0 { buffer.writeString(",") }
      buffer.write(event)
    }
    buffer.writeString("],\"cursor\":\"\(cursor.text)\",\"hasMore\":\(hasMore)}")
    return buffer
  }
}

extension ByteBuffer {
  fileprivate mutating func write(_ event: StoredEvent) {
    writeString("{\"id\":")
    writeJSONString(event.id)
    writeString(",\"type\":")
    writeJSONString(event.type)
    writeString(",\"workspace\":\"")
    writeID(event.workspace.uuid)
    writeString("\",\"sequence\":\(event.sequence),\"time\":\"\(Timestamp.text(event.storedAt))\",\"data\":")
    writeBytes(event.data)
    writeString("}")
  }
}
