import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog
import SCIM

/// The view model of a log entry's page.
struct EntryView: Sendable {
  var tabs: [ProvisioningTab]
  /// Whether the entry has not been written yet.
  var isPending = false
  var details: Details?

  /// The content of the entry.
  struct Details: Sendable {
    var heading: String
    var requestLine: String
    var at: String
    var status: Int
    var tone: String
    var result: String
    var failure: Failure?
    /// The attributes that were not applied, with the reasons.
    var unapplied: [String]
    var isPartlyApplied: Bool
    var fields: [Field]
    /// The normalisations that were applied.
    var normalisations: [String]
    var hasNormalisations: Bool
    var content: Content?
    var replay: Replay?
    /// Why the request cannot be sent again.
    var replayObstacle: String?
  }

  /// The diagnosis of a failure.
  struct Failure: Sendable, Equatable {
    var summary: String
    var explanation: String
    var fix: String
    /// The error detail in the response, if it differs from the explanation.
    var responseDetail: String?
  }

  /// A field of the entry.
  struct Field: Sendable, Equatable {
    var label: String
    var text: String
    var link: String?
  }

  /// The stored body.
  struct Content: Sendable, Equatable {
    var note: String
    var json: String?
  }

  /// The form that sends the request again.
  struct Replay: Sendable, Equatable {
    var action: String
    var question: String
    /// The removed attributes of the body.
    var removedAttributes: String?
  }
}

extension EntryView.Details {
  /// - Parameters:
  ///   - diagnosis: nil if the request did not fail.
  ///   - token: the name of the token.
  ///   - presentName: the current name of the user or group; nil if it no longer exists.
  init(_ entry: LogEntry, _ diagnosis: Diagnosis?, token: String?, presentName: String?) {
    let name = entry.name ?? presentName
    heading = RequestDescription.purpose(of: entry) + (name.map { " \($0)" } ?? "")
    requestLine = RequestDescription.request(of: entry, path: "\(entry.path)\(entry.query.map { "?\($0)" } ?? "")")
    at = Timestamp.text(entry.at)
    status = entry.status
    tone = RequestDescription.tone(of: entry)
    result = RequestDescription.result(of: entry)
    failure = diagnosis.map {
      EntryView.Failure(
        summary: $0.cause.summary, explanation: $0.explanation, fix: $0.fix,
        responseDetail: entry.detail == $0.explanation ? nil : entry.detail)
    }
    unapplied = entry.unapplied.map(\.detail)
    isPartlyApplied = entry.isPartlyApplied
    fields = Self.fields(entry, token: token, presentName: presentName)
    normalisations = entry.normalisations.map(NormalisationDescription.text)
    hasNormalisations = !normalisations.isEmpty
    content = entry.body.map(EntryView.Content.init)
    (replay, replayObstacle) = Self.replay(of: entry)
  }

  private static func fields(_ entry: LogEntry, token: String?, presentName: String?) -> [EntryView.Field] {
    var fields: [EntryView.Field] = []
    func add(_ label: String, _ text: String?, link: String? = nil) {
      if let text { fields.append(EntryView.Field(label: label, text: text, link: link)) }
    }
    if let sender = entry.unverified {
      add("Token", "Never issued")
      add("Address", entry.address ?? "Several")
      add("First request", Timestamp.text(sender.firstAt))
      add("Last request", Timestamp.text(sender.lastAt))
      add("Entry", "\(entry.id)")
      return fields
    }
    if let resource = entry.resource, let type = entry.resourceType {
      // Only existing resources have a page.
      let path = type == .user ? ProvisioningPath.member(resource) : ProvisioningPath.group(resource)
      add(type == .user ? "Person" : "Group", presentName ?? "\(resource) (no longer exists)", link: presentName == nil ? nil : path)
    }
    add("Identity provider", entry.identityProvider.map(ConsoleText.identityProvider) ?? "Unrecognised")
    add("Token", token ?? entry.replayOf.map { _ in "The console" } ?? entry.token.map { "\($0)" } ?? "Unknown")
    add("User agent", entry.userAgent)
    add("Address", entry.address)
    add("Duration", String(format: entry.milliseconds < 10 ? "%.1f ms" : "%.0f ms", entry.milliseconds))
    add("SCIM error type", entry.scimType)
    add("Content type", entry.contentType)
    add("If-Match", entry.ifMatch)
    add("Relinked", entry.relink?.explanation)
    if let operations = entry.operations {
      add(
        "Operations",
        "\(ConsoleText.number(operations.count)), of which \(ConsoleText.number(operations.failed)) failed; "
          + "each has its own entry")
    }
    add("Part of", entry.bulk.map { _ in "A bulk request" }, link: entry.bulk.map(ProvisioningPath.entry))
    add(
      "Sent again", entry.replayOf.map { _ in "This repeats an earlier request" },
      link: entry.replayOf.map(ProvisioningPath.entry))
    add("Command", entry.command.map { "\($0)" })
    add("Trace", entry.trace)
    add("Entry", "\(entry.id)")
    return fields
  }

  private static func replay(of entry: LogEntry) -> (EntryView.Replay?, String?) {
    guard entry.isFailure, entry.unverified == nil else { return (nil, nil) }
    do throws(ReplayRequest.Obstacle) {
      _ = try ReplayRequest(entry)
    } catch {
      return (nil, "This request cannot be sent again from here: \(error).")
    }
    var question = "Send this request again?"
    if let operations = entry.operations {
      question += " All \(ConsoleText.number(operations.count)) operations are sent, including those that succeeded the first time."
    } else {
      question += " Fix the cause first; otherwise it is rejected again."
    }
    question += " It overwrites later changes by the identity provider to the same attributes."
    var removedAttributes: String?
    if case .whole(_, let removed)? = entry.body?.content, !removed.isEmpty { removedAttributes = removed.joined(separator: ", ") }
    return (
      EntryView.Replay(action: "\(ProvisioningPath.entry(entry.id))/replay", question: question, removedAttributes: removedAttributes), nil
    )
  }
}

extension EntryView.Content {
  init(_ body: LoggedBody) {
    let size = ConsoleText.count(body.bytes, "byte", "bytes")
    switch body.content {
    case .whole(let json, let removed):
      let without = removed.isEmpty ? "" : ", stored without \(removed.joined(separator: ", "))"
      self.init(note: "\(size)\(without)", json: json.pretty)
    case .head(let json): self.init(note: "Only the start was stored, because the body has \(size)", json: json.pretty)
    case .none(let reason): self.init(note: "\(size), not stored: \(reason)", json: nil)
    }
  }
}
