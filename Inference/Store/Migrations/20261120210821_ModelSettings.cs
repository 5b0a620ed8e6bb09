using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Inference.Store.Migrations
{
    /// <inheritdoc />
    public partial class ModelSettings : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "models",
                columns: table => new
                {
                    name = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    settings = table.Column<string>(type: "jsonb", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_models", x => x.name);
                });

            // Versions that workers registered before models had settings.
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
                name: "models");
        }
    }
}
