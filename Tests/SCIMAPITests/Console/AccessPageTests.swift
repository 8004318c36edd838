import DNS
import Foundation
import Models
import Postgres
import Synchronization
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ScimAPI

@Suite("The console's page Settings > Access", .timeLimit(.minutes(10)))
struct AccessPageTests {
  private static let path = "/console/settings/access"
  private static let token = "abcdefghijklmnopqrstuvwxyz234567"

  private static func changes(_ bench: ConsoleBench) -> [MailDomainChange] {
    bench.builder.sentCommands.entries.compactMap { command in
      if case .changeMailDomain(let change) = command.operation { change } else { nil }
    }
  }

  private static func settings(_ bench: ConsoleBench) -> [WorkspaceSettings] {
    bench.builder.sentCommands.entries.compactMap { command in
      if case .updateWorkspace(let settings) = command.operation { settings } else { nil }
    }
  }

  private static func domain(_ name: String, verified: Bool = false) -> MailDomain {
    MailDomain(domain: name, verification: .dns(token: token), verifiedAt: verified ? Date(timeIntervalSince1970: 1_769_846_400) : nil)
  }

  @Test("A domain is added with a random token, and the page shows the record to publish")
  func add() async throws {
    let bench = try await ConsoleBench.made { $0.mailDomains = [Self.domain("acme.example")] }
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      for words in ["_rollcall-challenge.acme.example", "rollcall-verification=\(Self.token)", "not verified"] {
        #expect(page.text.contains(words), "\(words): \(page.text)")
      }
      let added = try await client.post("\(Self.path)/domains", of: page, ["newDomain": "Other.EXAMPLE."])
      #expect(added.status == 303 && added.headers["location"] == "\(Self.path)#domains", "\(added.text)")
      _ = try await client.post("\(Self.path)/domains", of: page, ["newDomain": "other.example"])
      let changes = Self.changes(bench)
      #expect(changes.map(\.domain) == ["other.example", "other.example"] && changes.allSatisfy { $0.action == .add })
      #expect(changes.allSatisfy { $0.token?.count == 32 } && changes[0].token != changes[1].token)
      for text in ["", "acme", "https://acme.example", "<b>.example", "ana@acme.example"] {
        let refused = try await client.post("\(Self.path)/domains", of: page, ["newDomain": text])
        #expect(refused.status == 422 && refused.text.contains(#"id="newDomain-error""#), "\(text): \(refused.text)")
        #expect(!refused.text.contains("<b>") && (text.isEmpty || refused.text.contains("aria-invalid=\"true\"")))
      }
      #expect(Self.changes(bench).count == 2)
    }
    await bench.close()
  }

  @Test("A domain is verified once its record is published; otherwise the page says what was found, at the domain")
  func verify() async throws {
    var configured = try await ConsoleBench.made {
      $0.mailDomains = [Self.domain("acme.example"), Self.domain("done.example", verified: true)]
    }
    let published = Mutex<Result<[String], DNSError>>(.success([]))
    let asked = Mutex<[String]>([])
    configured.builder.txtRecords = { name in
      asked.withLock { $0.append(name) }
      return try published.withLock { $0 }.get()
    }
    let bench = configured
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      for (records, words) in [
        ([], "It does not exist"), (["rollcall-verification=<b>"], "&lt;b&gt;"), (["v=spf1 -all", "x"], "2 records exist"),
      ] as [([String], String)] {
        published.withLock { $0 = .success(records) }
        let refused = try await client.post("\(Self.path)/domains/verify", of: page, ["domain": "acme.example"])
        #expect(refused.status == 409 && refused.text.contains(words) && !refused.text.contains("<b>"), "\(refused.text)")
      }
      published.withLock { $0 = .failure(.timeout) }
      let silent = try await client.post("\(Self.path)/domains/verify", of: page, ["domain": "acme.example"])
      #expect(silent.status == 503 && silent.text.contains("could not be looked up"), "\(silent.text)")
      var names = asked.withLock { $0 }
      #expect(Self.changes(bench).isEmpty && names == Array(repeating: "_rollcall-challenge.acme.example", count: 4))
      published.withLock { $0 = .success(["v=spf1 -all", "rollcall-verification=\(Self.token)"]) }
      let verified = try await client.post("\(Self.path)/domains/verify", of: page, ["domain": "acme.example"])
      #expect(verified.status == 303, "\(verified.text)")
      #expect(Self.changes(bench) == [MailDomainChange(domain: "acme.example", action: .verify, token: Self.token)])
      // A verified domain is not looked up again, and a domain that is not here is not found.
      #expect(try await client.post("\(Self.path)/domains/verify", of: page, ["domain": "done.example"]).status == 303)
      #expect(try await client.post("\(Self.path)/domains/verify", of: page, ["domain": "other.example"]).status == 404)
      names = asked.withLock { $0 }
      #expect(names.count == 5 && Self.changes(bench).count == 1)
    }
    await bench.close()
  }

  @Test("A domain that cannot be removed keeps its place on the page, with the reason")
  func remove() async throws {
    var bench = try await ConsoleBench.made { $0.mailDomains = [Self.domain("acme.example", verified: true)] }
    bench.builder.reply = { _ in
      .refused(status: 400, error: Array(#"{"scimType":"invalidValue","detail":"The policy needs a verified domain."}"#.utf8))
    }
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      #expect(page.text.contains("By its DNS record") && !page.text.contains("rollcall-verification="), "\(page.text)")
      let refused = try await client.post("\(Self.path)/domains/remove", of: page, ["domain": "acme.example"])
      #expect(refused.status == 400 && refused.text.contains(#"<p class="error" role="alert">The policy needs a verified domain.</p>"#))
      let full = try await client.post("\(Self.path)/domains", of: page, ["newDomain": "more.example"])
      #expect(full.status == 422 && full.text.contains("newDomain-error") && full.text.contains(#"value="more.example""#))
      #expect(try await client.post("\(Self.path)/domains/remove", of: page, ["domain": "gone.example"]).status == 404)
    }
    #expect(Self.changes(bench).map(\.action) == [.remove, .add])
    await bench.close()
  }

  @Test("The policies are shown and changed for the version that was shown")
  func policies() async throws {
    let bench = try await ConsoleBench.made { $0.mailDomains = [Self.domain("acme.example", verified: true)] }
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      #expect(page.text.contains(#"name="otherDomains" value="allow" checked"#), "\(page.text)")
      #expect(page.text.contains(#"name="accountLinking" value="verified-address" checked"#))
      let held = try await client.post("\(Self.path)/other-domains", of: page, ["otherDomains": "hold"])
      #expect(held.status == 303 && held.headers["location"] == "\(Self.path)#other-domains")
      let asked = try await client.post("\(Self.path)/accounts", of: page, ["accountLinking": "ask"])
      #expect(asked.status == 303 && asked.headers["location"] == "\(Self.path)#accounts")
      let admin = try await client.post("\(Self.path)/last-admin", of: page, ["holdsLastAdmin": "on", "notify": "it@acme.example"])
      #expect(admin.status == 303 && admin.headers["location"] == "\(Self.path)#last-admin")
      let sent = Self.settings(bench)
      #expect(sent.map(\.otherDomains) == [.hold, .allow, .allow])
      #expect(sent.map(\.accountLinking) == [.verifiedAddress, .ask, .verifiedAddress])
      #expect(sent.map(\.changeGuard) == [nil, nil, ChangeGuard(holdsLastAdmin: true, notify: "it@acme.example")])
      // What belongs to the operator is not changed by these forms.
      let elevated = try await client.post(
        "\(Self.path)/last-admin", of: page, ["holdsLastAdmin": "on", "notify": "it@acme.example", "seats": "1000", "plan": "free"])
      #expect(elevated.status == 303 && Self.settings(bench).last == sent.last)
      try await bench.write("update identity.workspaces set version = 2")
      let late = try await client.post("\(Self.path)/last-admin", of: page, ["holdsLastAdmin": "on", "notify": "kept@acme.example"])
      #expect(late.status == 409 && late.text.contains(#"value="kept@acme.example""#) && late.hidden("version") == "2", "\(late.text)")
    }
    await bench.close()
  }

  @Test("Invalid input is shown again with an error at the field")
  func invalid() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      for (form, values, error) in [
        ("other-domains", ["otherDomains": "reject"], "otherDomains-error"), ("other-domains", ["otherDomains": "x"], "otherDomains-error"),
        ("accounts", ["accountLinking": "x"], "accountLinking-error"), ("accounts", [:], "accountLinking-error"),
        ("last-admin", ["holdsLastAdmin": "on", "notify": "nobody"], "notify-error"),
        ("last-admin", ["holdsLastAdmin": "on"], "notify-error"),
      ] as [(String, [String: String], String)] {
        let refused = try await client.post("\(Self.path)/\(form)", of: page, values)
        #expect(refused.status == 422 && refused.text.contains("id=\"\(error)\""), "\(form) \(values): \(refused.text)")
      }
      let kept = try await client.post("\(Self.path)/other-domains", of: page, ["otherDomains": "reject"])
      #expect(kept.text.contains(#"name="otherDomains" value="reject" checked"#))
      let address = try await client.post("\(Self.path)/last-admin", of: page, ["holdsLastAdmin": "on", "notify": "no body"])
      #expect(address.text.contains(#"value="no body""#) && address.text.contains(#"name="holdsLastAdmin" checked"#))
    }
    #expect(bench.commands.isEmpty)
    await bench.close()
  }

  @Test("The seats are shown with what is taken and what happens beyond the limit")
  func seats() async throws {
    let bench = try await ConsoleBench.made { $0.seats = SeatLimit(limit: 10, policy: .hold) }
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      #expect(page.text.contains("0 of 10 taken") && page.text.contains("until an admin approves them"), "\(page.text)")
      #expect(!page.text.contains("Most seats are taken"))
    }
    await bench.close()
  }
}
