using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class IndexesAndWriters : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string[]>(
                name: "models",
                table: "batches",
                type: "text[]",
                nullable: true);

            migrationBuilder.Sql("""
                UPDATE batches SET models = ARRAY(SELECT DISTINCT model FROM batch_lines WHERE batch_id = batches.id AND model IS NOT NULL)
                WHERE state <> 'receiving'
                """);

            migrationBuilder.CreateTable(
                name: "usage_writers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    turn = table.Column<long>(type: "bigint", nullable: false),
                    written_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_usage_writers", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_api_keys_name",
                table: "api_keys",
                column: "name");

            migrationBuilder.CreateIndex(
                name: "ix_traffic_decisions_unaudited",
                table: "traffic_decisions",
                column: "id",
                filter: "NOT audited");

            migrationBuilder.CreateIndex(
                name: "IX_shadow_comparisons_compared_at",
                table: "shadow_comparisons",
                column: "compared_at");

            migrationBuilder.CreateIndex(
                name: "IX_request_payloads_tenant_id_received_at",
                table: "request_payloads",
                columns: new[] { "tenant_id", "received_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "usage_writers");

            migrationBuilder.DropColumn(
                name: "models",
                table: "batches");

            migrationBuilder.DropIndex(
                name: "IX_api_keys_name",
                table: "api_keys");

            migrationBuilder.DropIndex(
                name: "ix_traffic_decisions_unaudited",
                table: "traffic_decisions");

            migrationBuilder.DropIndex(
                name: "IX_shadow_comparisons_compared_at",
                table: "shadow_comparisons");

            migrationBuilder.DropIndex(
                name: "IX_request_payloads_tenant_id_received_at",
                table: "request_payloads");
        }
    }
}
