using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Inference.Store.Migrations
{
    /// <inheritdoc />
    public partial class AuditRightsFeatures : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "audited",
                table: "traffic_decisions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "audited",
                table: "model_events",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.CreateTable(
                name: "audit_actors",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    tenant_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: true),
                    salt = table.Column<byte[]>(type: "bytea", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_actors", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audit_entries",
                columns: table => new
                {
                    sequence = table.Column<long>(type: "bigint", nullable: false),
                    event_id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    action = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    actor_id = table.Column<Guid>(type: "uuid", nullable: false),
                    tenant_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    subject = table.Column<string>(type: "character varying(300)", maxLength: 300, nullable: true),
                    details_digest = table.Column<byte[]>(type: "bytea", nullable: true),
                    previous_hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_entries", x => x.sequence);
                });

            migrationBuilder.CreateTable(
                name: "feature_flags",
                columns: table => new
                {
                    name = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    tenants = table.Column<string[]>(type: "text[]", nullable: true),
                    excluded_tenants = table.Column<string[]>(type: "text[]", nullable: true),
                    percentage = table.Column<double>(type: "double precision", nullable: false),
                    description = table.Column<string>(type: "character varying(300)", maxLength: 300, nullable: true),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_feature_flags", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "tenant_erasures",
                columns: table => new
                {
                    tenant_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    finished_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    rows = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tenant_erasures", x => x.tenant_id);
                });

            migrationBuilder.CreateTable(
                name: "audit_details",
                columns: table => new
                {
                    sequence = table.Column<long>(type: "bigint", nullable: false),
                    tenant_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    salt = table.Column<byte[]>(type: "bytea", nullable: false),
                    facts = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_details", x => x.sequence);
                    table.ForeignKey(
                        name: "FK_audit_details_audit_entries_sequence",
                        column: x => x.sequence,
                        principalTable: "audit_entries",
                        principalColumn: "sequence",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_traffic_decisions_unaudited",
                table: "traffic_decisions",
                column: "decided_at",
                filter: "NOT audited");

            migrationBuilder.CreateIndex(
                name: "ix_model_events_unaudited",
                table: "model_events",
                column: "id",
                filter: "NOT audited");

            migrationBuilder.CreateIndex(
                name: "IX_audit_actors_name",
                table: "audit_actors",
                column: "name");

            migrationBuilder.CreateIndex(
                name: "IX_audit_actors_tenant_id",
                table: "audit_actors",
                column: "tenant_id");

            migrationBuilder.CreateIndex(
                name: "IX_audit_details_tenant_id",
                table: "audit_details",
                column: "tenant_id");

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_actor_id_sequence",
                table: "audit_entries",
                columns: new[] { "actor_id", "sequence" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_at",
                table: "audit_entries",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_event_id",
                table: "audit_entries",
                column: "event_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_tenant_id_sequence",
                table: "audit_entries",
                columns: new[] { "tenant_id", "sequence" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_actors");

            migrationBuilder.DropTable(
                name: "audit_details");

            migrationBuilder.DropTable(
                name: "feature_flags");

            migrationBuilder.DropTable(
                name: "tenant_erasures");

            migrationBuilder.DropTable(
                name: "audit_entries");

            migrationBuilder.DropIndex(
                name: "ix_traffic_decisions_unaudited",
                table: "traffic_decisions");

            migrationBuilder.DropIndex(
                name: "ix_model_events_unaudited",
                table: "model_events");

            migrationBuilder.DropColumn(
                name: "audited",
                table: "traffic_decisions");

            migrationBuilder.DropColumn(
                name: "audited",
                table: "model_events");
        }
    }
}
