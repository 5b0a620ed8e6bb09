using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class Requests : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "error",
                table: "predictions",
                type: "character varying(500)",
                maxLength: 500,
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_predictions_received_at_tenant_id",
                table: "predictions",
                columns: new[] { "received_at", "tenant_id" },
                filter: "status <> 200");

            migrationBuilder.CreateTable(
                name: "traffic_minutes",
                columns: table => new
                {
                    minute = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    requests = table.Column<long>(type: "bigint", nullable: false),
                    errors = table.Column<long>(type: "bigint", nullable: false),
                    rejections = table.Column<long>(type: "bigint", nullable: false),
                    p50 = table.Column<double>(type: "double precision", nullable: false),
                    p95 = table.Column<double>(type: "double precision", nullable: false),
                    p99 = table.Column<double>(type: "double precision", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_traffic_minutes", x => x.minute);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "traffic_minutes");

            migrationBuilder.DropIndex(
                name: "IX_predictions_received_at_tenant_id",
                table: "predictions");

            migrationBuilder.DropColumn(
                name: "error",
                table: "predictions");
        }
    }
}
