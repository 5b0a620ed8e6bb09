using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class Serving : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "cache_hit",
                table: "predictions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<decimal>(
                name: "cost",
                table: "predictions",
                type: "numeric(30,15)",
                precision: 30,
                scale: 15,
                nullable: false,
                defaultValue: 0m);

            migrationBuilder.AddColumn<string>(
                name: "priority",
                table: "predictions",
                type: "character varying(8)",
                maxLength: 8,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "role",
                table: "predictions",
                type: "character varying(8)",
                maxLength: 8,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "created_by",
                table: "model_versions",
                type: "character varying(200)",
                maxLength: 200,
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "deleted_at",
                table: "model_versions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "inspection_attempts",
                table: "model_versions",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "inspection_lease",
                table: "model_versions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "labels",
                table: "model_versions",
                type: "jsonb",
                nullable: false,
                defaultValueSql: "'{}'");

            migrationBuilder.AddColumn<long>(
                name: "memory_bytes",
                table: "model_versions",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "metadata",
                table: "model_versions",
                type: "jsonb",
                nullable: false,
                defaultValueSql: "'{}'");

            migrationBuilder.AddColumn<string>(
                name: "reason",
                table: "model_versions",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "state",
                table: "model_versions",
                type: "character varying(16)",
                maxLength: 16,
                nullable: false,
                defaultValue: "Ready");

            migrationBuilder.CreateTable(
                name: "artefact_chunks",
                columns: table => new
                {
                    blob = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    data = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_artefact_chunks", x => new { x.blob, x.number });
                });

            // By hand: weights do not compress, and trying costs time on every chunk.
            migrationBuilder.Sql("ALTER TABLE artefact_chunks ALTER COLUMN data SET STORAGE EXTERNAL");

            migrationBuilder.CreateTable(
                name: "artefacts",
                columns: table => new
                {
                    sha256 = table.Column<string>(type: "character(64)", fixedLength: true, maxLength: 64, nullable: false),
                    size_bytes = table.Column<long>(type: "bigint", nullable: false),
                    blob = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_artefacts", x => x.sha256);
                });

            migrationBuilder.CreateTable(
                name: "jobs",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    tenant_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    priority = table.Column<short>(type: "smallint", nullable: false),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    attempt = table.Column<int>(type: "integer", nullable: false),
                    max_attempts = table.Column<int>(type: "integer", nullable: false),
                    request = table.Column<byte[]>(type: "bytea", nullable: true),
                    outputs = table.Column<byte[]>(type: "bytea", nullable: true),
                    request_id = table.Column<string>(type: "character varying(256)", maxLength: 256, nullable: true),
                    error = table.Column<string>(type: "text", nullable: true),
                    error_status = table.Column<short>(type: "smallint", nullable: true),
                    progress = table.Column<float>(type: "real", nullable: false),
                    worker = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: true),
                    lease_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    queued_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    finished_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    deadline_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    cancel_requested = table.Column<bool>(type: "boolean", nullable: false),
                    batch_size = table.Column<int>(type: "integer", nullable: false),
                    compute_microseconds = table.Column<long>(type: "bigint", nullable: false),
                    idempotency_key = table.Column<string>(type: "character varying(255)", maxLength: 255, nullable: true),
                    request_hash = table.Column<byte[]>(type: "bytea", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_jobs", x => x.id);
                });

            // By hand: tensors hardly compress, and trying costs more than the write.
            migrationBuilder.Sql("ALTER TABLE jobs ALTER COLUMN request SET STORAGE EXTERNAL, ALTER COLUMN outputs SET STORAGE EXTERNAL");

            migrationBuilder.CreateTable(
                name: "loose_blobs",
                columns: table => new
                {
                    blob = table.Column<Guid>(type: "uuid", nullable: false),
                    remove_after = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_loose_blobs", x => x.blob);
                });

            migrationBuilder.CreateTable(
                name: "model_aliases",
                columns: table => new
                {
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    alias = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_model_aliases", x => new { x.model, x.alias });
                    table.ForeignKey(
                        name: "FK_model_aliases_model_versions_model_version",
                        columns: x => new { x.model, x.version },
                        principalTable: "model_versions",
                        principalColumns: new[] { "model", "version" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "model_events",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: true),
                    kind = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    actor = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    details = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_model_events", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "models",
                columns: table => new
                {
                    name = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    settings = table.Column<string>(type: "jsonb", nullable: false),
                    residency = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false, defaultValue: "Auto"),
                    previous_stable = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_models", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "shadow_comparisons",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    compared_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    shadow_version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    agreed = table.Column<bool>(type: "boolean", nullable: true),
                    max_difference = table.Column<double>(type: "double precision", nullable: true),
                    compute_microseconds = table.Column<long>(type: "bigint", nullable: false),
                    shadow_compute_microseconds = table.Column<long>(type: "bigint", nullable: false),
                    error = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_shadow_comparisons", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "traffic_decisions",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    decided_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    action = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    actor = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: true),
                    reason = table.Column<string>(type: "text", nullable: true),
                    policy = table.Column<string>(type: "jsonb", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_traffic_decisions", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_predictions_received_at",
                table: "predictions",
                column: "received_at")
                .Annotation("Npgsql:IndexInclude", new[] { "model", "version" });

            migrationBuilder.CreateIndex(
                name: "IX_model_versions_sha256",
                table: "model_versions",
                column: "sha256");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_deadlines",
                table: "jobs",
                column: "deadline_at",
                filter: "state = 'queued'");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_ended_badly",
                table: "jobs",
                columns: new[] { "tenant_id", "id" },
                filter: "state IN ('failed', 'cancelled', 'dead_lettered')");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_finished",
                table: "jobs",
                column: "expires_at",
                filter: "finished_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_idempotency",
                table: "jobs",
                columns: new[] { "tenant_id", "idempotency_key" },
                unique: true,
                filter: "idempotency_key IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_leases",
                table: "jobs",
                column: "lease_until",
                filter: "state = 'running'");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_pending",
                table: "jobs",
                columns: new[] { "tenant_id", "id" },
                filter: "state IN ('queued', 'running')");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_results",
                table: "jobs",
                column: "expires_at",
                filter: "outputs IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_jobs_tenant",
                table: "jobs",
                columns: new[] { "tenant_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_jobs_waiting",
                table: "jobs",
                column: "queued_at",
                filter: "state = 'queued'");

            migrationBuilder.CreateIndex(
                name: "IX_model_aliases_model_version",
                table: "model_aliases",
                columns: new[] { "model", "version" });

            migrationBuilder.CreateIndex(
                name: "IX_model_events_model_id",
                table: "model_events",
                columns: new[] { "model", "id" });

            migrationBuilder.CreateIndex(
                name: "IX_shadow_comparisons_model_compared_at",
                table: "shadow_comparisons",
                columns: new[] { "model", "compared_at" });

            migrationBuilder.CreateIndex(
                name: "IX_traffic_decisions_decided_at",
                table: "traffic_decisions",
                column: "decided_at");

            migrationBuilder.CreateIndex(
                name: "IX_traffic_decisions_model_decided_at",
                table: "traffic_decisions",
                columns: new[] { "model", "decided_at" });

            // By hand: versions that workers registered before models had settings.
            migrationBuilder.Sql("""
                INSERT INTO models (name, settings, created_at, updated_at)
                SELECT model, '{}', min(registered_at), min(registered_at) FROM model_versions GROUP BY model
                """);

            migrationBuilder.AddForeignKey(
                name: "FK_model_versions_models_model",
                table: "model_versions",
                column: "model",
                principalTable: "models",
                principalColumn: "name",
                onDelete: ReferentialAction.Cascade);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "FK_model_versions_models_model",
                table: "model_versions");

            migrationBuilder.DropTable(
                name: "artefact_chunks");

            migrationBuilder.DropTable(
                name: "artefacts");

            migrationBuilder.DropTable(
                name: "jobs");

            migrationBuilder.DropTable(
                name: "loose_blobs");

            migrationBuilder.DropTable(
                name: "model_aliases");

            migrationBuilder.DropTable(
                name: "model_events");

            migrationBuilder.DropTable(
                name: "models");

            migrationBuilder.DropTable(
                name: "shadow_comparisons");

            migrationBuilder.DropTable(
                name: "traffic_decisions");

            migrationBuilder.DropIndex(
                name: "IX_predictions_received_at",
                table: "predictions");

            migrationBuilder.DropIndex(
                name: "IX_model_versions_sha256",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "cache_hit",
                table: "predictions");

            migrationBuilder.DropColumn(
                name: "cost",
                table: "predictions");

            migrationBuilder.DropColumn(
                name: "priority",
                table: "predictions");

            migrationBuilder.DropColumn(
                name: "role",
                table: "predictions");

            migrationBuilder.DropColumn(
                name: "created_by",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "deleted_at",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "inspection_attempts",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "inspection_lease",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "labels",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "memory_bytes",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "metadata",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "reason",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "state",
                table: "model_versions");
        }
    }
}
