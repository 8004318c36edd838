import Foundation
import Models

extension InvitationComposer {
  /// Composes the mail to an administrator about changes that wait for approval.
  ///
  /// - Throws: ``CompositionError`` if the address is invalid. Retrying does not help.
  package func message(for notice: HeldChangesNotice, at time: Date) throws(CompositionError) -> EmailMessage {
    guard let recipient = MailAddress(address: notice.address) else { throw .notAnAddress(notice.address) }
    let wording = wordings.wording(for: notice.workspace.adminLanguage)
    var names = ["workspace": notice.workspace.name.mailSafeName, "email": recipient.address]
    if let limit = notice.maximumDeactivations { names["limit"] = "\(limit)" }
    let subject = wording.filled(.heldSubject, names)
    var values: [String: Any] = [
      "workspace": names["workspace"] ?? "", "language": wording.language, "direction": wording.direction, "subject": subject,
      "held": wording.filled(.held, names), "link": wording.link, "automatic": wording.filled(.heldAutomatic, names),
      "commands": commands(for: notice),
    ]
    values["url"] = notice.workspace.heldChangesPage(appURL: appURL)?.text
    for (sentence, text) in wording.held { values[sentence.rawValue] = text }
    let groups = notice.changes.changes.filter(\.kind.isOfGroup)
    let people = notice.changes.changes.filter(\.kind.disablesUser)
    let others = notice.changes.changes.filter { !$0.kind.isOfGroup && !$0.kind.disablesUser }
    if !groups.isEmpty { values["groups"] = section(groups, of: notice.changes.groups, wording) }
    if !people.isEmpty {
      values["people"] = section(people, of: notice.changes.people, wording)
      if notice.maximumDeactivations != nil { values["heldPeople"] = wording.filled(.heldPeople, names) }
    }
    if !others.isEmpty { values["others"] = section(others, of: notice.changes.others, wording) }
    values.merge(Self.colours(notice.workspace.branding)) { first, _ in first }
    return EmailMessage(
      sender: from, recipient: recipient,
      headers: headers(
        to: recipient, subject: subject, language: wording.language,
        messageID: "<held-\(notice.id.uuidString.lowercased())@\(from.domain)>",
        branding: notice.workspace.branding, at: time),
      text: heldText.render(values), html: heldHTML.render(values))
  }

  /// The template values for groups or people: one line per change, and the number of changes not listed.
  private func section(_ changes: [HeldChanges.Change], of count: Int, _ wording: Wording) -> [String: Any] {
    let lines = changes.map { change in
      wording.filled(
        change.sentence,
        [
          "name": (change.kind == .membersRemoved ? change.name?.mailSafeName : change.name?.mailSafeAddress) ?? "\(change.id)",
          "leaving": "\(change.leaving)",
          "members": "\(change.members ?? change.leaving)",
        ])
    }
    var section: [String: Any] = ["count": count, "lines": lines]
    if count > lines.count { section["more"] = wording.filled(.heldMore, ["count": "\(count - lines.count)"]) }
    return section
  }

  /// The three commands to list and decide, the same in every language.
  private func commands(for notice: HeldChangesNotice) -> [String] {
    let (changes, count) = (notice.changes.changes, notice.changes.groups + notice.changes.people + notice.changes.others)
    let which = count == 1 ? changes.first.map { "\($0.id)" } ?? "ID" : "ID"
    return [
      "scimctl held list --workspace \(notice.workspace.slug)", "scimctl held approve --workspace \(notice.workspace.slug) \(which)",
      "scimctl held reject --workspace \(notice.workspace.slug) \(which)",
    ]
  }
}

extension HeldChanges.Change {
  fileprivate var sentence: Wording.Sentence {
    switch kind {
    case .membersRemoved: .heldGroup
    case .groupDeleted: .heldGroupDeleted
    case .userDisabled: .heldDisabled
    case .userDeleted: .heldDeleted
    case .userEnabled: .heldEnabled
    case .roleChanged: .heldRole
    case .otherDomain: .heldOtherDomain
    case .addressChanged: .heldAddress
    case .accountMatched: .heldAccount
    }
  }
}
