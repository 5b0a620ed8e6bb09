using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace InferenceTemplate.Inference.Store.Migrations
{
    /// <inheritdoc />
    public partial class Registry : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "previous_stable",
                table: "models",
                type: "character varying(32)",
                maxLength: 32,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "residency",
                table: "models",
                type: "character varying(16)",
                maxLength: 16,
                nullable: false,
                defaultValue: "Auto");

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

            migrationBuilder.CreateIndex(
                name: "IX_model_versions_sha256",
                table: "model_versions",
                column: "sha256");

            migrationBuilder.CreateIndex(
                name: "IX_model_aliases_model_version",
                table: "model_aliases",
                columns: new[] { "model", "version" });

            migrationBuilder.CreateIndex(
                name: "IX_model_events_model_id",
                table: "model_events",
                columns: new[] { "model", "id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "artefact_chunks");

            migrationBuilder.DropTable(
                name: "artefacts");

            migrationBuilder.DropTable(
                name: "loose_blobs");

            migrationBuilder.DropTable(
                name: "model_aliases");

            migrationBuilder.DropTable(
                name: "model_events");

            migrationBuilder.DropIndex(
                name: "IX_model_versions_sha256",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "previous_stable",
                table: "models");

            migrationBuilder.DropColumn(
                name: "residency",
                table: "models");

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
