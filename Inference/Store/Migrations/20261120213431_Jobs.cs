using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Inference.Store.Migrations
{
    /// <inheritdoc />
    public partial class Jobs : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
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
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "jobs");
        }
    }
}
