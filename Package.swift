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

let package = Package(
  name: "rollcall",
  platforms: [.macOS(.v15)],
  products: [
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
    .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
  ],
  targets: [
    // C libraries
    .systemLibrary(name: "CPostgres", path: "Shared/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CKafka", path: "Shared/CKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CMalloc", path: "Shared/CMalloc"),
    .systemLibrary(
      name: "CCurl", path: "Services/invitation-mailer/CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),

    // Shared
    .target(name: "Primitives", path: "Shared/Primitives", swiftSettings: swiftSettings),
    .target(name: "Models", dependencies: ["Primitives"], path: "Shared/Models", swiftSettings: swiftSettings),
    .target(name: "SCIM", dependencies: ["Primitives"], path: "Shared/SCIM", swiftSettings: swiftSettings),
    .target(
      name: "WorkspaceSchemas", dependencies: ["Models", "SCIM"], path: "Shared/WorkspaceSchemas", swiftSettings: swiftSettings),
    .target(
      name: "ProvisioningLog", dependencies: ["Models", "SCIM"], path: "Shared/ProvisioningLog", swiftSettings: swiftSettings),
    .target(
      name: "LogReads", dependencies: ["Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM"], path: "Shared/LogReads",
      swiftSettings: swiftSettings),
    .target(
      name: "Postgres",
      dependencies: ["CPostgres"] + processDependencies,
      path: "Shared/Postgres", swiftSettings: swiftSettings),
    .target(
      name: "Kafka",
      dependencies: ["CKafka", "Models", "Postgres"] + processDependencies,
      path: "Shared/Kafka", swiftSettings: swiftSettings),
    .target(
      name: "ServiceKit",
      dependencies: [
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceContextModule", package: "swift-service-context"),
        "CMalloc", "Kafka", "Models", "Postgres",
      ] + processDependencies,
      path: "Shared/ServiceKit", swiftSettings: swiftSettings),
    .target(
      name: "Schema",
      dependencies: ["Postgres"],
      path: "Shared/Schema",
      resources: [.embedInCode("identity"), .embedInCode("mailer"), .embedInCode("directory")],
      swiftSettings: swiftSettings),

    .target(
      name: "SigningKeys", dependencies: ["Models", .product(name: "Crypto", package: "swift-crypto")], path: "Shared/SigningKeys",
      swiftSettings: swiftSettings),

    .target(
      name: "Queries", dependencies: ["Models", "Postgres", "SCIM"], path: "Shared/Queries", swiftSettings: swiftSettings),

    .target(
      name: "Markup", dependencies: [.product(name: "Mustache", package: "swift-mustache")], path: "Shared/Markup",
      swiftSettings: swiftSettings),

    .target(
      name: "InvitationMail",
      dependencies: ["Markup", "Models", .product(name: "Mustache", package: "swift-mustache")],
      path: "Shared/InvitationMail",
      resources: [.embedInCode("Templates")],
      swiftSettings: swiftSettings),

    // Services
    .executableTarget(
      name: "scim-api",
      dependencies: [
        "InvitationMail", "Kafka", "LogReads", "Markup", "Models", "Postgres", "Primitives", "ProvisioningLog", "Queries", "SCIM", "Schema",
        "ServiceKit", "SigningKeys", "WorkspaceSchemas",
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Mustache", package: "swift-mustache"),
      ] + processDependencies,
      path: "Services/scim-api",
      resources: [
        "Layout/console.css", "Layout/console.js", "Layout/layout.mustache", "Layout/pager.mustache", "Layout/refusal.mustache",
        "Layout/time.mustache",
        "SignIn/sign-in.mustache", "SignIn/link.mustache",
        "Tokens/tokens.mustache", "Tokens/token.mustache", "Tokens/token-new.mustache", "Tokens/token-secret.mustache",
        "Audit/audit.mustache",
        "Groups/groups.mustache", "Groups/group.mustache",
        "Connection/scim-gate.mustache", "Connection/scim-live.mustache", "Connection/scim-guides.mustache",
        "Connection/scim-settings.mustache",
        "Members/deleted-member.mustache", "Members/member-invitation.mustache", "Members/member-timeline.mustache",
        "Members/member.mustache", "Members/members.mustache",
        "Provisioning/provisioningTabs.mustache", "Provisioning/Log/provisioningLog.mustache", "Provisioning/Log/logEntry.mustache",
        "Provisioning/Health/health.mustache", "Provisioning/Drift/drift.mustache", "Provisioning/Held/held.mustache",
      ].map { .embedInCode("Console/\($0)") },
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "identity-store",
      dependencies: [
        "Kafka", "Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "Schema", "ServiceKit", "SigningKeys", "WorkspaceSchemas",
        .product(name: "Crypto", package: "swift-crypto"),
      ] + processDependencies,
      path: "Services/identity-store", swiftSettings: swiftSettings),
    .executableTarget(
      name: "invitation-mailer",
      dependencies: [
        "CCurl", "InvitationMail", "Kafka", "Models", "Postgres", "Primitives", "Schema", "ServiceKit",
        .product(name: "Crypto", package: "swift-crypto"),
      ] + processDependencies,
      path: "Services/invitation-mailer", exclude: ["CCurl"],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "group-sync",
      dependencies: [
        "Kafka", "Models", "Postgres", "Schema", "ServiceKit",
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "JWTKit", package: "jwt-kit"),
      ] + processDependencies,
      path: "Services/group-sync", swiftSettings: swiftSettings),
    .executableTarget(
      name: "scimctl",
      dependencies: [
        "CCurl", "InvitationMail", "Kafka", "LogReads", "Models", "Postgres", "Primitives", "ProvisioningLog", "SCIM", "Schema",
        "ServiceKit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
      ] + processDependencies,
      path: "Services/scimctl", swiftSettings: swiftSettings),

    // Tests
    .executableTarget(
      name: "static-json",
      dependencies: [.product(name: "Hummingbird", package: "hummingbird")],
      path: "Tests/Benchmarks/StaticJSON", swiftSettings: swiftSettings),
    .executableTarget(
      name: "scim-bench", dependencies: ["Models", "ProvisioningLog", "Queries", "SCIM"], path: "Tests/Benchmarks/SCIMBench",
      swiftSettings: swiftSettings),
    .target(
      name: "TestSupport", dependencies: ["Kafka", "Models", "Postgres", "Schema"] + processDependencies,
      path: "Tests/TestSupport", swiftSettings: swiftSettings),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives"], path: "Tests/PrimitivesTests", swiftSettings: swiftSettings),
    .testTarget(name: "ModelsTests", dependencies: ["Models"], path: "Tests/ModelsTests", swiftSettings: swiftSettings),
    .testTarget(
      name: "SCIMTests", dependencies: ["Models", "SCIM", "TestSupport", "WorkspaceSchemas"], path: "Tests/SCIMTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ProvisioningLogTests", dependencies: ["Models", "ProvisioningLog", "SCIM"], path: "Tests/ProvisioningLogTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "PostgresTests", dependencies: ["Postgres", "Schema", "TestSupport"], path: "Tests/PostgresTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "KafkaTests", dependencies: ["CKafka", "Kafka", "Models", "Postgres", "TestSupport"], path: "Tests/KafkaTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ServiceKitTests", dependencies: ["ServiceKit", "TestSupport"], path: "Tests/ServiceKitTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "SCIMAPITests",
      dependencies: [
        "scim-api", "LogReads", "Markup", "Primitives", "ProvisioningLog", "Queries", "SCIM", "ServiceKit", "SigningKeys", "Models",
        "TestSupport",
        "WorkspaceSchemas", .product(name: "Mustache", package: "swift-mustache"),
      ],
      path: "Tests/SCIMAPITests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "IdentityStoreTests",
      dependencies: [
        "identity-store", "LogReads", "Primitives", "ProvisioningLog", "SCIM", "SigningKeys", "Models", "TestSupport", "WorkspaceSchemas",
      ],
      path: "Tests/IdentityStoreTests", swiftSettings: swiftSettings),
    .testTarget(
      name: "InvitationMailerTests", dependencies: ["InvitationMail", "invitation-mailer", "Models", "Primitives", "TestSupport"],
      path: "Tests/InvitationMailerTests", swiftSettings: swiftSettings),
    .testTarget(
      name: "GroupSyncTests",
      dependencies: ["group-sync", "Models", "TestSupport", .product(name: "JWTKit", package: "jwt-kit")], path: "Tests/GroupSyncTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "SCIMCtlTests",
      dependencies: ["scimctl", "LogReads", "Models", "Postgres", "ProvisioningLog", "SCIM", "Schema", "ServiceKit", "TestSupport"],
      path: "Tests/SCIMCtlTests", swiftSettings: swiftSettings),
    .testTarget(
      name: "EndToEnd",
      dependencies: [
        "Kafka", "Models", "Postgres", "TestSupport", "scim-api", "scimctl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "JWTKit", package: "jwt-kit"),
      ],
      path: "Tests/EndToEnd", swiftSettings: swiftSettings),
  ]
)
