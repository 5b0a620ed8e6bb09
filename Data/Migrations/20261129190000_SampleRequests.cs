using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class SampleRequests : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "has_sample",
                table: "model_versions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "proof_outdated",
                table: "model_versions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.CreateTable(
                name: "sample_requests",
                columns: table => new
                {
                    model = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    version = table.Column<string>(type: "character varying(32)", maxLength: 32, nullable: false),
                    json = table.Column<byte[]>(type: "bytea", nullable: false),
                    inputs = table.Column<string>(type: "jsonb", nullable: false),
                    has_run = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_sample_requests", x => new { x.model, x.version });
                    table.ForeignKey(
                        name: "FK_sample_requests_model_versions_model_version",
                        columns: x => new { x.model, x.version },
                        principalTable: "model_versions",
                        principalColumns: new[] { "model", "version" },
                        onDelete: ReferentialAction.Cascade);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "sample_requests");

            migrationBuilder.DropColumn(
                name: "has_sample",
                table: "model_versions");

            migrationBuilder.DropColumn(
                name: "proof_outdated",
                table: "model_versions");
        }
    }
}
