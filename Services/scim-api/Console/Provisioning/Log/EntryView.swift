import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog
import SCIM

/// What an entry's template shows.
struct EntryView: Sendable {
  var tabs: [ProvisioningTab]
  /// It is on its way into the log.
  var isPending = false
  var shown: Shown?

  struct Shown: Sendable {
    var heading: String
    var requestLine: String
    var at: String
    var status: Int
    var tone: String
    var answer: String
    var failure: Failure?
    /// What was not applied, and why.
    var unapplied: [String]
    var isPartlyApplied: Bool
    var facts: [Fact]
    var changes: [String]
    var hasChanges: Bool
    var content: Content?
    var replay: Replay?
    /// Why it cannot be sent again.
    var obstacle: String?
  }

  struct Failure: Sendable, Equatable {
    var summary: String
    var explanation: String
    var fix: String
    /// What the identity provider was told.
    var told: String?
  }

  struct Fact: Sendable, Equatable {
    var label: String
    var text: String
    var link: String?
  }

  /// The body, as much as was kept.
  struct Content: Sendable, Equatable {
    var about: String
    var json: String?
  }

  struct Replay: Sendable, Equatable {
    var action: String
    var question: String
    /// What is left out of the body, where something is.
    var without: String?
  }
}

extension EntryView.Shown {
  /// - Parameters:
  ///   - diagnosis: nil where nothing failed.
  ///   - token: what the token is called.
  ///   - presentName: of the person or group, today; nil where it is not there any more.
  init(_ entry: LogEntry, _ diagnosis: Diagnosis?, token: String?, presentName: String?) {
    let name = entry.name ?? presentName
    heading = RequestWords.purpose(entry) + (name.map { " \($0)" } ?? "")
    requestLine = RequestWords.request(entry, path: "\(entry.path)\(entry.query.map { "?\($0)" } ?? "")")
    at = Timestamp.text(entry.at)
    status = entry.status
    tone = RequestWords.tone(entry)
    answer = RequestWords.answer(entry)
    failure = diagnosis.map {
      EntryView.Failure(
        summary: $0.cause.summary, explanation: $0.explanation, fix: $0.fix, told: entry.detail == $0.explanation ? nil : entry.detail)
    }
    unapplied = entry.unapplied.map(\.detail)
    isPartlyApplied = entry.isPartlyApplied
    facts = Self.facts(entry, token: token, presentName: presentName)
    changes = entry.normalisations.map(NormalisationWords.text)
    hasChanges = !changes.isEmpty
    content = entry.body.map(EntryView.Content.init)
    (replay, obstacle) = Self.replay(of: entry)
  }

  private static func facts(_ entry: LogEntry, token: String?, presentName: String?) -> [EntryView.Fact] {
    var facts: [EntryView.Fact] = []
    func add(_ label: String, _ text: String?, link: String? = nil) {
      if let text { facts.append(EntryView.Fact(label: label, text: text, link: link)) }
    }
    if let sender = entry.unverified {
      add("Token", "Never issued")
      add("Address", entry.address ?? "Several")
      add("First request", Timestamp.text(sender.firstAt))
      add("Last request", Timestamp.text(sender.lastAt))
      add("Entry", "\(entry.id)")
      return facts
    }
    if let resource = entry.resource, let type = entry.resourceType {
      // Only what is there has a page.
      let path = type == .user ? ProvisioningPath.member(resource) : ProvisioningPath.group(resource)
      add(type == .user ? "Person" : "Group", presentName ?? "\(resource) (not here any more)", link: presentName == nil ? nil : path)
    }
    add("Identity provider", entry.identityProvider.map(ProvisioningText.identityProvider) ?? "Not recognised")
    add("Token", token ?? entry.replayOf.map { _ in "The console" } ?? entry.token.map { "\($0)" } ?? "Not known here")
    add("Calls itself", entry.userAgent)
    add("Address", entry.address)
    add("Answered after", String(format: entry.milliseconds < 10 ? "%.1f ms" : "%.0f ms", entry.milliseconds))
    add("Kind of error", entry.scimType)
    add("Content type", entry.contentType)
    add("Only on version", entry.ifMatch)
    add("Relinked", entry.relink?.explanation)
    if let operations = entry.operations {
      add(
        "Operations",
        "\(ProvisioningText.number(operations.count)), of which \(ProvisioningText.number(operations.failed)) failed; "
          + "each of those has an entry of its own")
    }
    add("Part of", entry.bulk.map { _ in "A bulk request" }, link: entry.bulk.map(ProvisioningPath.entry))
    add(
      "Sent again", entry.replayOf.map { _ in "This is a repetition of an earlier request" },
      link: entry.replayOf.map(ProvisioningPath.entry))
    add("Command", entry.command.map { "\($0)" })
    add("Trace", entry.trace)
    add("Entry", "\(entry.id)")
    return facts
  }

  private static func replay(of entry: LogEntry) -> (EntryView.Replay?, String?) {
    guard entry.isFailure, entry.unverified == nil else { return (nil, nil) }
    do throws(ReplayRequest.Obstacle) {
      _ = try ReplayRequest(entry)
    } catch {
      return (nil, "This request cannot be sent again from here: \(error).")
    }
    var question = "Send this request again, as it came?"
    if let operations = entry.operations {
      question += " All \(ProvisioningText.number(operations.count)) operations are sent, also those that went well the first time."
    } else {
      question += " Do that once the cause is mended; otherwise it is refused again."
    }
    question += " What the identity provider has sent since is overwritten where this request says something else."
    var without: String?
    if case .whole(_, let removed)? = entry.body?.content, !removed.isEmpty { without = removed.joined(separator: ", ") }
    return (EntryView.Replay(action: "\(ProvisioningPath.entry(entry.id))/replay", question: question, without: without), nil)
  }
}

extension EntryView.Content {
  init(_ body: LoggedBody) {
    let size = ProvisioningText.count(body.bytes, "byte", "bytes")
    switch body.content {
    case .whole(let json, let removed):
      let without = removed.isEmpty ? "" : ", kept without \(removed.joined(separator: ", "))"
      self.init(about: "\(size)\(without)", json: PrettyJSON.text(json))
    case .head(let json): self.init(about: "Only its beginning was kept, since it has \(size)", json: PrettyJSON.text(json))
    case .none(let reason): self.init(about: "\(size), not kept: \(reason)", json: nil)
    }
  }
}
