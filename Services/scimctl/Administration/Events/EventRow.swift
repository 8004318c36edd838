import Foundation
import Models
import SCIM

/// An event of the directory, as the events API returns it.
struct EventRow: Sendable, Equatable {
  var id: String
  var type: String
  var workspace: String
  var sequence: Int64
  var time: String
  /// The address of the member, or the name of the group.
  var subject: String?
  /// The event as JSON.
  var json: JSON

  /// - Throws: ``ScimctlError`` if `response` is no event.
  init(response: JSON) throws(ScimctlError) {
    guard let object = response.object, let id = object["id"]?.string, let type = object["type"]?.string,
      let workspace = object["workspace"]?.string, let sequence = object["sequence"]?.integer, let time = object["time"]?.string
    else { throw ScimctlError(.internal, "the server's response has an event that this version of scimctl does not know") }
    (self.id, self.type, self.workspace, self.sequence, self.time, json) = (id, type, workspace, sequence, time, response)
    let data = object["data"]?.object
    let (member, group) = (data?["member"]?.object, data?["group"]?.object)
    // The deletion of a member has its id only, and a change of a membership the ids of both.
    let name = member?["email"]?.string ?? member?["userName"]?.string ?? member?["id"]?.string
    let groupName = group?["displayName"]?.string ?? group?["id"]?.string
    let names = [name, groupName].compactMap { $0 }
    subject = names.isEmpty ? nil : names.joined(separator: " in ")
  }

  /// One row per event.
  static func table(of events: [EventRow]) -> Table {
    var table = Table("TIME", "SEQUENCE", "TYPE", "MEMBER OR GROUP", "WORKSPACE")
    for event in events { table.append([event.time, "\(event.sequence)", event.type, event.subject, event.workspace]) }
    return table
  }
}

/// A page of events.
struct EventPage: Sendable, Equatable {
  var events: [EventRow]
  /// Where the next page starts.
  var cursor: String
  var hasMore: Bool
}

/// The last line of a stream of lines.
struct LastLine: Sendable, Equatable {
  /// The last complete line.
  private(set) var text: [UInt8] = []
  private var partial: [UInt8] = []

  /// Reads a part of the stream.
  mutating func append(_ bytes: [UInt8]) {
    for piece in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if piece.offset > 0 {
        text = partial
        partial = []
      }
      partial += piece.element
    }
  }

  /// Whether it is the line that ends a snapshot.
  var endsSnapshot: Bool {
    do { return try partial.isEmpty && JSON(parsing: text).object?["type"]?.string == "end" } catch { return false }
  }
}
