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

/// The layout of every page: head, navigation, flash message, and the name of the signed-in admin.
struct ConsoleLayout: Sendable {
  private let layout: MustacheTemplate
  private let errorTemplate: ConsoleTemplate
  /// The partials, such as `{{>pager}}`.
  private let library: MustacheLibrary

  /// The name of the hidden field with the session's form token.
  static let formToken = "formToken"
  private static let messageCookie = "rollcall_message"

  /// - Throws: an error if an embedded template cannot be parsed.
  init() throws {
    layout = try MustacheTemplate(html: String(decoding: PackageResources.layout_mustache, as: UTF8.self))
    errorTemplate = try ConsoleTemplate(PackageResources.error_mustache)
    func partial(_ bytes: [UInt8]) throws -> MustacheTemplate { try MustacheTemplate(html: String(decoding: bytes, as: UTF8.self)) }
    library = MustacheLibrary(templates: [
      "formToken": try MustacheTemplate(html: "<input type=\"hidden\" name=\"\(Self.formToken)\" value=\"{{formToken}}\">"),
      "memberInvitation": try partial(PackageResources.member_invitation_mustache),
      "memberTimeline": try partial(PackageResources.member_timeline_mustache),
      "pager": try partial(PackageResources.pager_mustache),
      "provisioningTabs": try partial(PackageResources.provisioningTabs_mustache),
      "time": try partial(PackageResources.time_mustache),
      "webhookLog": try partial(PackageResources.webhookLog_mustache),
    ])
  }

  /// Renders a page.
  ///
  /// - Parameters:
  ///   - session: nil on the pages before the sign-in.
  ///   - message: a flash message, shown above the page.
  ///   - cookie: the session's cookie, which determines whether the message's cookie is secure.
  func response(
    _ page: ConsolePage, for session: ConsoleSession?, message: FlashMessage? = nil, cookie: SessionCookie? = nil,
    headers: HTTPFields = [:]
  ) -> Response {
    let values = TemplateValues(
      formToken: session?.formToken ?? "", workspace: session?.caller.settings.name ?? "", person: session?.name ?? "", page: page.values)
    let layoutValues = LayoutValues(
      title: page.title, workspace: values.workspace, person: values.person, formToken: values.formToken, isSignedIn: session != nil,
      message: message,
      sections: ConsoleSection.allCases.map { LayoutValues.Section(name: $0.name, path: $0.path, isCurrent: $0 == page.section) },
      content: page.template.render(values, library: library), style: ConsoleAssets.style.path, script: ConsoleAssets.script.path)
    var headers = headers
    headers[.contentType] = "text/html; charset=utf-8"
    headers[.contentSecurityPolicy] = Self.policy
    // With 'no-referrer', the default of the service, browsers send forms without an origin.
    if headers[.referrerPolicy] == nil { headers[.referrerPolicy] = "same-origin" }
    if message != nil { headers.append(Self.cookie(message: "", age: 0, isSecure: cookie?.isSecure ?? false)) }
    return Response(
      status: page.status, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(string: layout.render(layoutValues, library: library))))
  }

  /// Renders an error page.
  func response(_ error: APIError, for session: ConsoleSession?) -> Response {
    response(page(of: error), for: session, headers: error.headers)
  }

  /// Redirects to `path`, which shows `message`.
  func redirect(to path: String, message: FlashMessage?, in session: ConsoleSession, cookie: SessionCookie) -> Response {
    var headers: HTTPFields = [.location: path]
    if let message {
      let text = Base64URL.encode(message.encoded)
      headers.append(Self.cookie(message: "\(text).\(session.tag(of: text))", age: 60, isSecure: cookie.isSecure))
    }
    return Response(status: .seeOther, headers: headers)
  }

  /// The flash message of the previous request. It is authenticated with the session's key.
  func message(in request: Request, of session: ConsoleSession) -> FlashMessage? {
    guard let components = request.cookies[Self.messageCookie]?.value.split(separator: "."), components.count == 2,
      session.isTag(String(components[1]), of: String(components[0])), let text = Base64URL.decode(components[0].utf8)
    else { return nil }
    return FlashMessage(encoded: text)
  }

  private static func cookie(message value: String, age: Int, isSecure: Bool) -> HTTPField {
    let secure = isSecure ? "; Secure" : ""
    return HTTPField(
      name: .setCookie, value: "\(messageCookie)=\(value); Path=\(ConsolePath.root); Max-Age=\(age); HttpOnly; SameSite=Lax\(secure)")
  }

  private func page(of error: APIError) -> ConsolePage {
    let title = error.error.status == 404 ? "Not found" : "Something went wrong"
    return ConsolePage(
      title: title, section: .members, status: HTTPResponse.Status(code: error.error.status), template: errorTemplate,
      values: ErrorPageValues(status: error.error.status, title: title, detail: error.error.detail))
  }

  /// Allows only the console's own scripts and styles, and no inline code, as a second defence against injected markup.
  private static let policy = """
    default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'
    """
}

/// A message about the result of a form, shown once on the next page.
struct FlashMessage: Sendable, Equatable {
  var text: String
  var isFailure = false

  /// The content of the cookie.
  var encoded: [UInt8] { [isFailure ? Self.failure : Self.success] + Array(text.utf8) }

  init(text: String, isFailure: Bool = false) {
    self.text = text
    self.isFailure = isFailure
  }

  /// nil if `encoded` is not a message.
  init?(encoded: [UInt8]) {
    guard let kind = encoded.first, [Self.failure, Self.success].contains(kind) else { return nil }
    self.init(text: String(decoding: encoded.dropFirst(), as: UTF8.self), isFailure: kind == Self.failure)
  }

  private static let success = UInt8(ascii: "+")
  private static let failure = UInt8(ascii: "-")
}

/// The values that are available in the template of a page.
private struct TemplateValues {
  var formToken: String
  var workspace: String
  var person: String
  var page: any Sendable
}

/// The values of the layout's template.
private struct LayoutValues {
  var title: String
  var workspace: String
  var person: String
  var formToken: String
  var isSignedIn: Bool
  var message: FlashMessage?
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
