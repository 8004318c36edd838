// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Every Swift target of ours is compiled in Swift 6 language mode; `ops/test` asks for warnings to be errors.
var swiftSettings: [SwiftSetting] = [.swiftLanguageMode(.v6)]
if ProcessInfo.processInfo.environment["ROLLCALL_WARNINGS_AS_ERRORS"] != nil {
  swiftSettings.append(.treatAllWarnings(as: .error))
}

/// The packages that a service's process is made of.
let processDependencies: [Target.Dependency] = [
  .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
  .product(name: "Logging", package: "swift-log"),
  .product(name: "Metrics", package: "swift-metrics"),
]

/// Spans.
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")

let package = Package(
  name: "rollcall",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "SCIM", targets: ["SCIM"]),
    .executable(name: "scim-api", targets: ["scim-api"]),
    .executable(name: "identity-store", targets: ["identity-store"]),
    .executable(name: "invitation-mailer", targets: ["invitation-mailer"]),
    .executable(name: "group-sync", targets: ["group-sync"]),
    .executable(name: "scimctl", targets: ["scimctl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-service-context", exact: "1.5.1"),
    // Spans, and the trace context that tasks inherit.
    .package(url: "https://github.com/apple/swift-distributed-tracing.git", exact: "1.7.3"),
    .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    // Sends webhooks, spans, and the requests of scimctl.
    .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
    .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
    // Builds the documentation of the SCIM library (ops/local/documentation); no target depends on it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", exact: "1.5.0"),
  ],
  targets: [
    // C libraries
    .systemLibrary(name: "CPostgres", path: "Shared/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CKafka", path: "Shared/CKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CMalloc", path: "Shared/CMalloc"),
    .systemLibrary(
      name: "CCurl", path: "Services/invitation-mailer/CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),

    .systemLibrary(
      name: "CAres", path: "Services/scim-api/DNS/CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),

    // Shared
    .target(name: "Primitives", path: "Shared/Primitives", swiftSettings: swiftSettings),
    .target(name: "Models", dependencies: ["Primitives"], path: "Shared/Models", swiftSettings: swiftSettings),
    .target(name: "SCIM", dependencies: ["Primitives"], path: "Shared/SCIM", swiftSettings: swiftSettings),
    .target(
      name: "SCIMStorage", dependencies: ["Models", "Postgres", "Primitives", "SCIM"], path: "Shared/SCIMStorage",
      swiftSettings: swiftSettings),
    .target(
      name: "Postgres",
      dependencies: ["CPostgres"] + processDependencies,
      path: "Shared/Postgres", swiftSettings: swiftSettings),
    .target(
      name: "Kafka",
      dependencies: ["CKafka", "Models"] + processDependencies,
      path: "Shared/Kafka", swiftSettings: swiftSettings),
    .target(
      name: "Outbox", dependencies: ["Kafka", "Models", "Postgres"] + processDependencies, path: "Shared/Outbox",
      swiftSettings: swiftSettings),
    .target(
      name: "ProvisioningLog", dependencies: ["Credentials", "Models", "Postgres", "Primitives", "SCIM"], path: "Shared/ProvisioningLog",
      swiftSettings: swiftSettings),
    .target(
      name: "Credentials", dependencies: ["Models", "Primitives", .product(name: "Crypto", package: "swift-crypto")],
      path: "Shared/Credentials", swiftSettings: swiftSettings),
    .target(
      name: "MailTemplates",
      dependencies: ["Models", "Primitives", .product(name: "Mustache", package: "swift-mustache")],
      path: "Shared/MailTemplates",
      resources: [.embedInCode("Templates")],
      swiftSettings: swiftSettings),
    .target(
      name: "Migrations",
      dependencies: ["Postgres"],
      path: "Shared/Migrations",
      resources: [.embedInCode("identity"), .embedInCode("mailer"), .embedInCode("directory")],
      swiftSettings: swiftSettings),
    .target(
      name: "ServiceKit",
      dependencies: [
        .product(name: "AsyncHTTPClient", package: "async-http-client"), .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceContextModule", package: "swift-service-context"),
        "CMalloc", "Kafka", "Migrations", "Models", "Postgres", "Primitives", tracing,
      ] + processDependencies,
      path: "Shared/ServiceKit", swiftSettings: swiftSettings),

    // Services: a library each, and the executable that runs it.
    .target(
      name: "EdgeHTTP",
      dependencies: [
        "Credentials", "Kafka", "Models", "Outbox", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "SCIMStorage", "ServiceKit",
        tracing,
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "DequeModule", package: "swift-collections"),
      ] + processDependencies,
      path: "Services/scim-api/HTTP", swiftSettings: swiftSettings),
    .target(
      name: "EdgeReads",
      dependencies: [
        "EdgeHTTP", "Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "SCIMStorage",
        .product(name: "DequeModule", package: "swift-collections"),
      ],
      path: "Services/scim-api/Reads", swiftSettings: swiftSettings),
    .target(
      name: "SCIMControllers",
      dependencies: [
        "EdgeHTTP", "EdgeReads", "Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "SCIMStorage",
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Services/scim-api/SCIM", swiftSettings: swiftSettings),
    .target(
      name: "ProductAPI",
      dependencies: [
        "Credentials", "EdgeHTTP", "EdgeReads", "Kafka", "Models", "Postgres", "Primitives", "SCIM", "SCIMStorage",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "JWTKit", package: "jwt-kit"), .product(name: "NIOCore", package: "swift-nio"),
      ] + processDependencies,
      path: "Services/scim-api/Product", swiftSettings: swiftSettings),
    // Verifies mail domains.
    .target(name: "DNS", dependencies: ["CAres"], path: "Services/scim-api/DNS", exclude: ["CAres"], swiftSettings: swiftSettings),
    .target(
      name: "ManagementAPI",
      dependencies: [
        "Credentials", "DNS", "EdgeHTTP", "EdgeReads", "MailTemplates", "Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM",
        "SCIMStorage",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Services/scim-api/Management", swiftSettings: swiftSettings),
    .target(
      name: "AdminConsole",
      dependencies: [
        "Credentials", "DNS", "EdgeHTTP", "EdgeReads", "MailTemplates", "Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM",
        "SCIMStorage",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Mustache", package: "swift-mustache"), .product(name: "NIOCore", package: "swift-nio"),
      ] + processDependencies,
      path: "Services/scim-api/Console",
      resources: [
        "Layout/console.css", "Layout/console.js", "Layout/layout.mustache", "Layout/pager.mustache", "Layout/error.mustache",
        "Layout/time.mustache",
        "SignIn/sign-in.mustache", "SignIn/link.mustache",
        "Tokens/tokens.mustache", "Tokens/token.mustache", "Tokens/token-new.mustache", "Tokens/token-secret.mustache",
        "Access/access-domains.mustache", "Access/access.mustache",
        "Accounts/account-decisions.mustache", "Accounts/accounts.mustache",
        "Audit/audit.mustache",
        "Groups/groups.mustache", "Groups/group.mustache",
        "Connection/scim-gate.mustache", "Connection/scim-live.mustache", "Connection/scim-guides.mustache",
        "Connection/scim-settings.mustache",
        "Webhooks/webhooks.mustache", "Webhooks/webhook-form.mustache", "Webhooks/webhook-secret.mustache", "Webhooks/webhook.mustache",
        "Webhooks/webhookLog.mustache", "Webhooks/webhook-deliveries.mustache", "Webhooks/webhook-delivery.mustache",
        "Members/deleted-member.mustache", "Members/member-invitation.mustache", "Members/member-timeline.mustache",
        "Members/member.mustache", "Members/members.mustache",
        "Provisioning/provisioningTabs.mustache", "Provisioning/Log/provisioningLog.mustache", "Provisioning/Log/logEntry.mustache",
        "Provisioning/Health/health.mustache", "Provisioning/Drift/drift.mustache", "Provisioning/Held/held.mustache",
      ].map { .embedInCode($0) },
      swiftSettings: swiftSettings),
    .target(
      name: "ScimAPI",
      dependencies: [
        "AdminConsole", "Credentials", "DNS", "EdgeHTTP", "EdgeReads", "Kafka", "ManagementAPI", "Migrations", "Models", "Postgres",
        "ProductAPI",
        "SCIMControllers",
        "ServiceKit",
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
      ] + processDependencies,
      path: "Services/scim-api/App", swiftSettings: swiftSettings),
    .target(
      name: "IdentityStore",
      dependencies: [
        "Credentials", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "SCIMStorage",
        "ServiceKit", tracing, .product(name: "Crypto", package: "swift-crypto"),
      ] + processDependencies,
      path: "Services/identity-store", exclude: ["Main"], swiftSettings: swiftSettings),
    .target(
      name: "InvitationMailer",
      dependencies: [
        "CCurl", "Credentials", "Kafka", "MailTemplates", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "ServiceKit",
        tracing, .product(name: "Crypto", package: "swift-crypto"),
      ] + processDependencies,
      path: "Services/invitation-mailer", exclude: ["CCurl", "Main"], swiftSettings: swiftSettings),
    .target(
      name: "GroupSync",
      dependencies: [
        "Credentials", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "ServiceKit", tracing,
        .product(name: "AsyncHTTPClient", package: "async-http-client"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "DequeModule", package: "swift-collections"), .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ] + processDependencies,
      path: "Services/group-sync", exclude: ["Main"], swiftSettings: swiftSettings),
    .target(
      name: "ScimctlCommands",
      dependencies: [
        "CCurl", "Credentials", "Kafka", "MailTemplates", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "ProvisioningLog",
        "SCIM", "ServiceKit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ] + processDependencies,
      path: "Services/scimctl", exclude: ["Main"], swiftSettings: swiftSettings),
    executable("scim-api", of: "ScimAPI"),
    executable("identity-store", of: "IdentityStore"),
    executable("invitation-mailer", of: "InvitationMailer"),
    executable("group-sync", of: "GroupSync"),
    executable("scimctl", of: "ScimctlCommands"),

    // Tests
    .executableTarget(
      name: "static-json",
      dependencies: [.product(name: "Hummingbird", package: "hummingbird")],
      path: "Tests/Benchmarks/StaticJSON", swiftSettings: swiftSettings),
    .executableTarget(
      name: "scim-bench", dependencies: ["Credentials", "Models", "ProvisioningLog", "SCIM", "SCIMStorage"],
      path: "Tests/Benchmarks/SCIMBench",
      swiftSettings: swiftSettings),
    .target(
      name: "TestSupport",
      dependencies: [
        "CKafka", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives",
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
      ] + processDependencies,
      path: "Tests/TestSupport", swiftSettings: swiftSettings),
    tests("PrimitivesTests", ["Primitives"]),
    tests("ModelsTests", ["Models", "Primitives"]),
    tests("CredentialsTests", ["Credentials", "Models", "Primitives"]),
    tests("SCIMTests", ["Models", "Primitives", "SCIM", "SCIMStorage", "TestSupport"]),
    tests("ProvisioningLogTests", ["Credentials", "Models", "ProvisioningLog", "SCIM"]),
    tests("PostgresTests", ["Migrations", "Postgres", "TestSupport"]),
    tests("KafkaTests", ["CKafka", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "TestSupport"]),
    tests(
      "ServiceKitTests",
      ["Kafka", "Migrations", "ServiceKit", "TestSupport", tracing, .product(name: "Hummingbird", package: "hummingbird")]),
    tests(
      "SCIMAPITests",
      [
        "AdminConsole", "Credentials", "DNS", "EdgeHTTP", "EdgeReads", "Kafka", "MailTemplates", "ManagementAPI", "Migrations", "Models",
        "Outbox",
        "Postgres", "Primitives",
        "ProductAPI", "ProvisioningLog", "SCIM", "SCIMControllers", "SCIMStorage", "ScimAPI", "ServiceKit", "TestSupport",
        .product(name: "Mustache", package: "swift-mustache"),
      ]),
    tests(
      "IdentityStoreTests",
      [
        "Credentials", "IdentityStore", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "ProvisioningLog", "SCIM",
        "SCIMStorage", "TestSupport",
      ]),
    tests(
      "InvitationMailerTests",
      [
        "Credentials", "InvitationMailer", "Kafka", "MailTemplates", "Migrations", "Models", "Outbox", "Postgres", "Primitives",
        "TestSupport",
      ]),
    tests(
      "GroupSyncTests",
      [
        "Credentials", "GroupSync", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "TestSupport",
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    tests(
      "SCIMCtlTests",
      [
        "Credentials", "Kafka", "Migrations", "Models", "Outbox", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "ScimctlCommands",
        "ServiceKit", "TestSupport",
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
      ] + processDependencies),
    tests(
      "EndToEnd",
      [
        "AdminConsole", "Credentials", "EdgeHTTP", "EdgeReads", "Kafka", "ManagementAPI", "Migrations", "Models", "Outbox", "Postgres",
        "Primitives", "ProductAPI",
        "SCIMControllers", "ScimAPI", "ScimctlCommands", "TestSupport", "scim-api", "identity-store", "invitation-mailer", "group-sync",
        "scimctl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "JWTKit", package: "jwt-kit"),
      ]),
  ]
)

/// The executable of a service: `Main` in its folder runs the library.
@MainActor func executable(_ name: String, of library: String) -> Target {
  .executableTarget(name: name, dependencies: [.init(stringLiteral: library)], path: "Services/\(name)/Main", swiftSettings: swiftSettings)
}

/// A test target, in the folder of its name.
@MainActor func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: swiftSettings)
}
