import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import MailTemplates
import Models
import Mustache
import NIOCore
import Primitives

/// What is around every page: the head, the navigation, what was said, who is signed in.
struct ConsoleLayout: Sendable {
  private let layout: MustacheTemplate
  private let refusal: ConsoleTemplate
  /// What templates share: `{{>pager}}`, `{{>state}}`, …
  private let library: MustacheLibrary

  /// The name of the field of every form that says which session it is of.
  static let formToken = "formToken"
  private static let saidCookie = "rollcall_said"

  /// - Throws: where a template that is built in cannot be read.
  init() throws {
    layout = try MustacheTemplate(html: String(decoding: PackageResources.layout_mustache, as: UTF8.self))
    refusal = try ConsoleTemplate(PackageResources.refusal_mustache)
    func partial(_ bytes: [UInt8]) throws -> MustacheTemplate { try MustacheTemplate(html: String(decoding: bytes, as: UTF8.self)) }
    library = MustacheLibrary(templates: [
      "formToken": try MustacheTemplate(html: "<input type=\"hidden\" name=\"\(Self.formToken)\" value=\"{{formToken}}\">"),
      "memberInvitation": try partial(PackageResources.member_invitation_mustache),
      "memberTimeline": try partial(PackageResources.member_timeline_mustache),
      "pager": try partial(PackageResources.pager_mustache),
      "provisioningTabs": try partial(PackageResources.provisioningTabs_mustache),
      "time": try partial(PackageResources.time_mustache),
    ])
  }

  /// - Parameters:
  ///   - session: nil on the pages before the sign-in.
  ///   - said: shown once, above the page.
  ///   - cookie: the session's, where something is said.
  func response(
    _ page: ConsolePage, for session: ConsoleSession?, saying said: FlashMessage? = nil, cookie: SessionCookie? = nil,
    headers: HTTPFields = [:]
  ) -> Response {
    let frame = Frame(
      formToken: session?.formToken ?? "", workspace: session?.caller.settings.name ?? "", person: session?.name ?? "", page: page.values)
    let shell = Shell(
      title: page.title, workspace: frame.workspace, person: frame.person, formToken: frame.formToken, isSignedIn: session != nil,
      said: said, sections: ConsoleSection.allCases.map { Shell.Section(name: $0.name, path: $0.path, isCurrent: $0 == page.section) },
      content: page.template.render(frame, library: library), style: ConsoleAssets.style.path, script: ConsoleAssets.script.path)
    var headers = headers
    headers[.contentType] = "text/html; charset=utf-8"
    headers[.contentSecurityPolicy] = Self.policy
    // 'no-referrer', as everywhere else, would have browsers send forms without their origin.
    if headers[.referrerPolicy] == nil { headers[.referrerPolicy] = "same-origin" }
    if said != nil { headers.append(Self.cookie(said: "", age: 0, isSecure: cookie?.isSecure ?? false)) }
    return Response(
      status: page.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: layout.render(shell, library: library))))
  }

  func response(_ error: APIError, for session: ConsoleSession?) -> Response {
    response(page(of: error), for: session, headers: error.headers)
  }

  /// Sends the browser to `path`, which says `saying`.
  func redirect(to path: String, saying: FlashMessage?, in session: ConsoleSession, cookie: SessionCookie) -> Response {
    var headers: HTTPFields = [.location: path]
    if let saying {
      let text = Base64URL.encode(saying.encoded)
      headers.append(Self.cookie(said: "\(text).\(session.tag(of: text))", age: 60, isSecure: cookie.isSecure))
    }
    return Response(status: .seeOther, headers: headers)
  }

  /// What the request before has to say. Nobody but that could have written it.
  func said(of request: Request, in session: ConsoleSession) -> FlashMessage? {
    guard let parts = request.cookies[Self.saidCookie]?.value.split(separator: "."), parts.count == 2,
      session.isTag(String(parts[1]), of: String(parts[0])), let text = Base64URL.decode(parts[0].utf8)
    else { return nil }
    return FlashMessage(encoded: text)
  }

  private static func cookie(said value: String, age: Int, isSecure: Bool) -> HTTPField {
    let secure = isSecure ? "; Secure" : ""
    return HTTPField(
      name: .setCookie, value: "\(saidCookie)=\(value); Path=\(Console.path); Max-Age=\(age); HttpOnly; SameSite=Lax\(secure)")
  }

  private func page(of error: APIError) -> ConsolePage {
    let title = error.error.status == 404 ? "Not found" : "That did not work"
    return ConsolePage(
      title: title, section: .members, status: HTTPResponse.Status(code: error.error.status), template: refusal,
      values: ErrorPageValues(status: error.error.status, title: title, detail: error.error.detail))
  }

  /// Scripts and styles of our own alone, and nothing in the markup: a name full of markup that got through would still do nothing.
  private static let policy = """
    default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'
    """
}

/// What a page says once about the request before it.
struct FlashMessage: Sendable, Equatable {
  var text: String
  /// Whether what was asked for did not happen.
  var isFailure = false

  /// The bytes that the cookie holds.
  var encoded: [UInt8] { [isFailure ? Self.failure : Self.success] + Array(text.utf8) }

  init(text: String, isFailure: Bool = false) {
    self.text = text
    self.isFailure = isFailure
  }

  /// nil where `encoded` is not a message.
  init?(encoded: [UInt8]) {
    guard let kind = encoded.first, [Self.failure, Self.success].contains(kind) else { return nil }
    self.init(text: String(decoding: encoded.dropFirst(), as: UTF8.self), isFailure: kind == Self.failure)
  }

  private static let success = UInt8(ascii: "+")
  private static let failure = UInt8(ascii: "-")
}

/// What a page's template sees.
private struct Frame {
  var formToken: String
  var workspace: String
  var person: String
  var page: any Sendable
}

/// What the layout's template sees.
private struct Shell {
  var title: String
  var workspace: String
  var person: String
  var formToken: String
  var isSignedIn: Bool
  var said: FlashMessage?
  var sections: [Section]
  var content: String
  var style: String
  var script: String

  struct Section {
    var name: String
    var path: String
    var isCurrent: Bool
  }
}

private struct ErrorPageValues: Sendable {
  var status: Int
  var title: String
  var detail: String
}
