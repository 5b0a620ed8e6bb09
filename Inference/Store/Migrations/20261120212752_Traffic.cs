using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Inference.Store.Migrations
{
    /// <inheritdoc />
    public partial class Traffic : Migration
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
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "shadow_comparisons");

            migrationBuilder.DropTable(
                name: "traffic_decisions");

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
        }
    }
}
