import Foundation
import Models
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads

@Suite("Forms for the access to a workspace")
struct AccessSectionTests {
  private let settings = EdgeBuilder().settings

  private func form(_ values: [String: String]) throws -> Form {
    try Form(values.map { "\($0)=\(ConsoleText.percentEncoded($1))" }.joined(separator: "&").utf8)
  }

  @Test("Submitting a form unchanged changes nothing")
  func roundTrip() throws {
    var settings = settings
    settings.mailDomains = [MailDomain(domain: "acme.example", verification: .operator, verifiedAt: Date())]
    settings.otherDomains = .hold
    settings.accountLinking = .ask
    settings.changeGuard = ChangeGuard(maximumShrink: 0.5, maximumDeactivations: 20, holdsLastAdmin: true, notify: "it@acme.example")
    var other = OtherDomainsSection(try form(["otherDomains": OtherDomainsSection(of: settings).otherDomains]))
    #expect(other.applied(to: settings) == settings)
    var linking = AccountLinkingSection(try form(["accountLinking": AccountLinkingSection(of: settings).accountLinking]))
    #expect(linking.applied(to: settings) == settings)
    let shown = LastAdminSection(of: settings)
    var admin = LastAdminSection(try form(["holdsLastAdmin": shown.holdsLastAdmin ? "on" : "", "notify": shown.notify]))
    #expect(admin.applied(to: settings) == settings)
    // Without a guard, an empty form adds none.
    var none = LastAdminSection(try form(["notify": ""]))
    #expect(none.applied(to: self.settings) == self.settings)
  }

  @Test("The other rules of the change guard stay, and a guard without any rule is removed")
  func lastAdmin() throws {
    var guarded = settings
    guarded.changeGuard = ChangeGuard(maximumShrink: 0.5, holdsLastAdmin: true, notify: "it@acme.example")
    var section = LastAdminSection(try form(["notify": "ops@acme.example"]))
    #expect(section.applied(to: guarded)?.changeGuard == ChangeGuard(maximumShrink: 0.5, notify: "ops@acme.example"))
    guarded.changeGuard?.maximumShrink = nil
    #expect(section.applied(to: guarded)?.changeGuard == nil && section.notifyError == nil)
    guarded.changeGuard?.maximumDeactivations = 0
    var withoutAddress = LastAdminSection(try form(["notify": " "]))
    #expect(withoutAddress.applied(to: guarded) == nil && withoutAddress.notifyError != nil)
  }

  @Test("The policy for other domains needs a verified domain, unless it allows them", arguments: OtherDomains.allCases)
  func otherDomains(policy: OtherDomains) throws {
    var settings = settings
    settings.mailDomains = [MailDomain(domain: "acme.example", verification: .dns(token: "x"))]
    var section = OtherDomainsSection(try form(["otherDomains": policy.rawValue]))
    let applied = section.applied(to: settings)
    #expect((applied == nil) == (policy != .allow) && (section.otherDomainsError == nil) == (policy == .allow))
    settings.mailDomains[0].verifiedAt = Date()
    var verified = OtherDomainsSection(try form(["otherDomains": policy.rawValue]))
    #expect(verified.applied(to: settings)?.otherDomains == policy)
  }

  @Test(
    "The seats are described with the limit, and a warning from 90 % on",
    arguments: [
      (nil, 7, "7 taken; the workspace has no limit", nil), (10, 7, "7 of 10 taken", nil), (10, 9, "9 of 10 taken", "Most seats"),
      (10, 10, "10 of 10 taken", "All seats"), (10, 1234, "1,234 of 10 taken", "All seats"),
    ] as [(Int?, Int, String, String?)])
  func seats(limit: Int?, taken: Int, text: String, warning: String?) {
    var settings = settings
    settings.seats = limit.map { SeatLimit(limit: $0) }
    let view = AccessView.Seats(settings, taken: taken)
    #expect(view.taken.hasPrefix(text) && (view.beyond == nil) == (limit == nil))
    #expect((view.seatsWarning == nil) == (warning == nil) && view.seatsWarning?.hasPrefix(warning ?? "") != false)
  }
}
