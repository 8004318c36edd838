import Foundation
import Models
import Postgres
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ScimAPI

@Suite("The console's page about existing accounts", .timeLimit(.minutes(10)))
struct AccountPagesTests {
  private static let path = "/console/accounts"

  private static func operations(_ bench: ConsoleBench) -> [Command.Operation] { bench.commands.map(\.operation) }

  private static func names(_ page: Answer) -> [String] {
    page.text.components(separatedBy: "<th scope=\"row\">").dropFirst().map { String($0.prefix { $0 != "<" }) }
  }

  @Test("Accounts that the identity provider never pushed are listed first, in pages, and only those of the workspace")
  func list() async throws {
    let bench = try await ConsoleBench.made()
    let other = WorkspaceID.made(at: Date())
    var settings = bench.builder.settings
    settings.slug = "other"
    try await bench.insertWorkspace(other, settings)
    try await bench.insertAccount("0-of-others", "x@other.example", in: other)
    let linked = UserID.made(at: Date())
    for number in 1...120 {
      try await bench.insertAccount(
        String(format: "a%03d", number), "person-\(number)@acme.example", user: number % 12 == 0 ? linked : nil)
    }
    try await bench.insertAccount("z<b>", "<i>@acme.example", state: "disabled")
    try await bench.serving { client in
      var path: String? = Self.path
      var seen: [String] = []
      while let here = path {
        let page = try await client.get(here)
        #expect(page.status == 200 && !page.text.contains("<b>") && !page.text.contains("<i>"), "\(page.text)")
        seen += Self.names(page)
        path = page.nextAccounts
      }
      #expect(seen.count == 111 && seen == seen.sorted() && seen.last == "z&lt;b&gt;" && !seen.contains("a012"), "\(seen)")
      let pages = try await client.get("\(Self.path)?show=linked")
      #expect(Self.names(pages).count == 10 && pages.text.contains("/console/members/\(linked)"), "\(pages.text)")
      let all = try await client.get("\(Self.path)?show=all")
      #expect(Self.names(all).count == 50 && all.nextAccounts?.contains("show=all&cursor=") == true)
      #expect(try await client.get("\(Self.path)?show=everything").status == 400)
      // A cursor belongs to one list.
      let cursor = try #require(all.nextAccounts)
      #expect(try await client.get(cursor.replacing("show=all", with: "show=linked")).status == 400)
    }
    await bench.close()
  }

  @Test("Without accounts, the page explains where they come from")
  func empty() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      #expect(page.status == 200 && page.text.contains("the product has imported none") && !page.text.contains("Who is it?"))
      #expect(try await client.get("\(Self.path)?show=linked").text.contains("No linked accounts"))
    }
    await bench.close()
  }

  @Test("A person who waits is shown with the account that identity-store would find: by address, then by externalId")
  func matches() async throws {
    let bench = try await ConsoleBench.made()
    let people = [
      try await bench.insertWaiting("ana@acme.example", externalID: "ext-ana", at: 0),
      try await bench.insertWaiting("ben@acme.example", externalID: "ext-ben", at: 1),
      try await bench.insertWaiting("cleo@acme.example", externalID: "a-cleo", at: 2),
      try await bench.insertWaiting("dora@acme.example", externalID: nil, at: 3),
    ]
    try await bench.insertAccount("a-ana", "ana@acme.example")
    try await bench.insertAccount("a-ana-2", "ana-2@acme.example", externalID: "ext-ana")
    try await bench.insertAccount("a-ben", "other@acme.example", externalID: "ext-ben", state: "disabled")
    try await bench.insertAccount("a-cleo", "cleo-2@acme.example")
    // The account was linked to somebody else in the meantime.
    try await bench.insertAccount("a-dora", "dora@acme.example", user: .made(at: Date()))
    let query = AccountMatchesQuery(database: Database(pool: bench.reader, retryTimeout: .seconds(5)))
    let found = try await query.matches(after: nil, limit: 10, in: bench.workspace)
    #expect(found.map(\.user) == people.reversed())
    #expect(found.map { $0.account?.id } == [nil, "a-cleo", "a-ben", "a-ana"])
    #expect(found.map(\.reason) == [nil, .accountID, .externalID, .address])
    let next = try await query.matches(after: found[1].change, limit: 1, in: bench.workspace)
    #expect(next.map(\.user) == [people[1]])
    #expect(try await query.matches(after: nil, limit: 10, in: .made(at: Date())).isEmpty)
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      for words in [
        "Who is it?", "Both have the same address", "The externalId is that of the account", "The externalId is the id of the account",
        "disabled in the product", "is gone, or linked to another person", "/console/members/\(people[0])\"",
      ] {
        #expect(page.text.contains(words), "\(words): \(page.text)")
      }
    }
    await bench.close()
  }

  @Test("Decisions are commands about the person: link to the account shown or to another, enable without an account, reject")
  func decisions() async throws {
    let bench = try await ConsoleBench.made()
    let ana = try await bench.insertWaiting("ana@acme.example", externalID: nil)
    try await bench.insertAccount("a-ana", "ana@acme.example")
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      let linked = try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": "a-ana"])
      #expect(linked.status == 303 && linked.headers["location"] == Self.path, "\(linked.text)")
      #expect(try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": "another"]).status == 303)
      #expect(try await client.post("\(Self.path)/decline", of: page, ["user": "\(ana)"]).status == 303)
      let unlinked = try await client.post("\(Self.path)/unlink", of: page, ["user": "\(ana)"])
      #expect(unlinked.headers["location"] == "\(Self.path)?show=linked")
      let action = page.text.firstMatch(of: /action="(\/console\/provisioning\/held\/[^"]*\/reject)"/)
      let reject = try #require(action).output.1
      let rejected = try await client.post(String(reject), of: page, ["back": "accounts"])
      #expect(rejected.status == 303 && rejected.headers["location"] == Self.path, "\(rejected.text)")
      let sent = bench.commands
      #expect(
        sent.prefix(4).map(\.operation) == [
          .linkAccount(AccountLink(account: "a-ana")), .linkAccount(AccountLink(account: "another")), .unlinkAccount(AccountUnlink()),
          .unlinkAccount(AccountUnlink()),
        ])
      #expect(sent.allSatisfy { $0.resource == ana.resource && $0.workspace == bench.workspace })
      guard case .decideHeldChange(let decision)? = sent.last?.operation else {
        Issue.record("no decision")
        return
      }
      #expect(decision.verdict == .reject)
      // Changes of members who do not exist here are not sent.
      for user in ["\(UserID.made(at: Date()))", "none", ""] {
        for action in ["link", "decline", "unlink"] {
          #expect(try await client.post("\(Self.path)/\(action)", of: page, ["user": user, "account": "a-ana"]).status == 404)
        }
      }
      #expect(bench.commands.count == sent.count)
    }
    await bench.close()
  }

  @Test("A link that is rejected is shown at the person, with the account that was entered")
  func refusedLink() async throws {
    var configured = try await ConsoleBench.made()
    configured.builder.reply = { command in
      if case .linkAccount = command.operation {
        return .refused(status: 404, error: Array(#"{"status":"404","detail":"The workspace has no imported account '<x>'."}"#.utf8))
      }
      return .refused(status: 409, error: Array(#"{"status":"409","detail":"The user waits for no decision."}"#.utf8))
    }
    let bench = configured
    let ana = try await bench.insertWaiting("ana@acme.example", externalID: nil)
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      let refused = try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": "<x>"])
      #expect(refused.status == 422 && refused.text.contains("<details open>"), "\(refused.text)")
      #expect(refused.text.contains(#"value="&lt;x&gt;""#) && refused.text.contains("has no imported account"))
      #expect(refused.text.contains(#"aria-invalid="true""#) && !refused.text.contains("<x>"))
      let empty = try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": ""])
      #expect(empty.status == 422 && empty.text.contains("Enter the product's id") || empty.text.contains("Enter the product&#39;s id"))
      // The person is no longer on the page.
      try await bench.write("update identity.held_changes set status = 'superseded'")
      let late = try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": "a"])
      #expect(
        late.status == 422 && late.text.contains(#"<p class="notice bad" role="alert">The workspace has no imported"#), "\(late.text)")
      #expect(try await client.post("\(Self.path)/decline", of: page, ["user": "\(ana)"]).status == 303)
    }
    #expect(Self.operations(bench).count == 3)
    await bench.close()
  }

  @Test("The page of a person links an account and removes the link, if the product has imported accounts")
  func memberPage() async throws {
    var configured = try await ConsoleBench.made()
    configured.builder.reply = { command in
      guard case .linkAccount(let link) = command.operation, link.account == "gone" else { return .done }
      return .refused(status: 404, error: Array(#"{"status":"404","detail":"The workspace has no imported account 'gone'."}"#.utf8))
    }
    let bench = configured
    let ana = try await bench.insertWaiting("ana@acme.example", externalID: nil)
    let path = "/console/members/\(ana)"
    try await bench.serving { client in
      let without = try await client.get(path)
      #expect(without.status == 200 && !without.text.contains("Account in the product"), "\(without.text)")
      try await bench.insertAccount("a-ana", "other@acme.example")
      let page = try await client.get(path)
      #expect(page.text.contains("Linked to no account") && page.text.contains(#"action="/console/accounts/link""#), "\(page.text)")
      let done = try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": "a-ana", "back": "member"])
      #expect(done.status == 303 && done.headers["location"] == "\(path)#account")
      let refused = try await client.post("\(Self.path)/link", of: page, ["user": "\(ana)", "account": "gone", "back": "member"])
      #expect(refused.status == 303 && refused.headers["location"] == "\(path)?account=gone#account")
      let again = try await client.get("\(path)?account=%3Cb%3E")
      #expect(again.text.contains("<details open>") && again.text.contains(#"value="&lt;b&gt;""#) && !again.text.contains("<b>"))
      try await bench.write("update identity.users set account_id = 'a-ana'")
      let linked = try await client.get(path)
      #expect(linked.text.contains("<code>a-ana</code>") && linked.text.contains(#"action="/console/accounts/unlink""#), "\(linked.text)")
      let unlinked = try await client.post("\(Self.path)/unlink", of: linked, ["user": "\(ana)", "back": "member"])
      #expect(unlinked.headers["location"] == "\(path)#account")
    }
    await bench.close()
  }

  @Test("The page of held changes leads to the account of a person who waits")
  func heldPage() async throws {
    let bench = try await ConsoleBench.made()
    _ = try await bench.insertWaiting("ana@acme.example", externalID: nil)
    try await bench.serving { client in
      let page = try await client.get("/console/provisioning/held")
      #expect(page.text.contains(#"href="/console/accounts#decisions""#), "\(page.text)")
    }
    await bench.close()
  }

  @Test("The list and the decisions use indexes, also in a large workspace")
  func plans() async throws {
    let bench = try await ConsoleBench.made()
    for number in 1...3 { _ = try await bench.insertWaiting("person-\(number)@acme.example", externalID: "ext-\(number)") }
    try await bench.write(
      """
      insert into identity.accounts (workspace_id, account_id, email, email_key, external_id, state, imported_at)
      select $1, 'a' || n, 'person-' || n || '@acme.example', 'person-' || n || '@acme.example', 'ext-' || n, 'active', now()
      from generate_series(1, 20000) n
      """, [.uuid(bench.workspace.uuid)])
    try await bench.write("analyze")
    let plan = try await bench.plan(of: AccountMatchesQuery.statement, "uuid, uuid, int8")
    #expect(
      plan.contains("accounts_by_email") && plan.contains("accounts_by_external_id") && !plan.contains("Seq Scan on accounts"), "\(plan)")
    await bench.close()
  }
}

extension ConsoleBench {
  /// Stores an imported account.
  fileprivate func insertAccount(
    _ id: String, _ email: String, externalID: String? = nil, state: String = "active", user: UserID? = nil,
    in workspace: WorkspaceID? = nil
  ) async throws {
    try await write(
      """
      insert into identity.accounts (workspace_id, account_id, email, email_key, external_id, state, user_id, imported_at)
      values ($1, $2, $3, $3, $4, $5, $6, now())
      """,
      [
        .uuid((workspace ?? self.workspace).uuid), .text(id), .text(email), .optional(externalID, PostgresValue.text), .text(state),
        .optional(user?.uuid, PostgresValue.uuid),
      ])
  }

  /// Stores a disabled user who waits for a decision about an account.
  ///
  /// - Parameter second: when the user began to wait, which is the order of the list.
  fileprivate func insertWaiting(_ email: String, externalID: String?, at second: Double = 0) async throws -> UserID {
    let (id, change) = (UserID.made(at: Date()), HeldChangeID.made(at: Date(timeIntervalSince1970: 1_769_846_400 + second)))
    try await write(
      """
      insert into identity.users
      (workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, email, email_key, state, role, version,
       created_at, modified_at, document)
      values ($1, $2, $3, $3, $4, $5, null, $3, $3, 'disabled', 'viewer', 1, now(), now(), '{"meta":{"resourceType":"User"')
      """,
      [
        .uuid(workspace.uuid), .uuid(id.uuid), .text(email), .bytes(Array(email.utf8)), .optional(externalID, PostgresValue.text),
      ])
    try await write(
      """
      insert into identity.held_changes
      (workspace_id, id, resource_id, kind, name, leaving, requested_by, held_at, asked_at, status, standing)
      values ($1, $2, $3, 'account-matched', $4, '{}', 'token:x', now(), now(), 'pending', true)
      """, [.uuid(workspace.uuid), .uuid(change.uuid), .uuid(id.uuid), .text(email)])
    return id
  }
}

extension Answer {
  /// The link to the next page of the list.
  fileprivate var nextAccounts: String? {
    guard let start = text.range(of: "rel=\"next\" href=\"")?.upperBound else { return nil }
    return text[start...].prefix { $0 != "\"" }.replacingOccurrences(of: "&amp;", with: "&")
  }
}
