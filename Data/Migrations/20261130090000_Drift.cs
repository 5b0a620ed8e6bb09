using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class Drift : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "drift_baselines",
                columns: table => new
                {
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    tensor = table.Column<string>(type: "character varying(256)", maxLength: 256, nullable: false),
                    is_output = table.Column<bool>(type: "boolean", nullable: false),
                    kind = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ended_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    requests = table.Column<int>(type: "integer", nullable: false),
                    not_finite = table.Column<double>(type: "double precision", nullable: false),
                    empty = table.Column<double>(type: "double precision", nullable: false),
                    values = table.Column<double[]>(type: "double precision[]", nullable: false),
                    weights = table.Column<double[]>(type: "double precision[]", nullable: false),
                    fixed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    actor = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_drift_baselines", x => new { x.model, x.version, x.is_output, x.tensor, x.kind });
                });

            migrationBuilder.CreateTable(
                name: "drift_windows",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    role = table.Column<string>(type: "character varying(8)", maxLength: 8, nullable: false),
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    tensor = table.Column<string>(type: "character varying(256)", maxLength: 256, nullable: false),
                    is_output = table.Column<bool>(type: "boolean", nullable: false),
                    kind = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ended_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    requests = table.Column<int>(type: "integer", nullable: false),
                    not_finite = table.Column<double>(type: "double precision", nullable: false),
                    empty = table.Column<double>(type: "double precision", nullable: false),
                    values = table.Column<double[]>(type: "double precision[]", nullable: false),
                    weights = table.Column<double[]>(type: "double precision[]", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_drift_windows", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_drift_windows_ended_at",
                table: "drift_windows",
                column: "ended_at");

            migrationBuilder.CreateIndex(
                name: "IX_drift_windows_model_version_ended_at",
                table: "drift_windows",
                columns: new[] { "model", "version", "ended_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "drift_baselines");

            migrationBuilder.DropTable(
                name: "drift_windows");
        }
    }
}
