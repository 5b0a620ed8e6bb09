using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class RetryAndObjectives : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "fast",
                table: "traffic_minutes",
                type: "bigint",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_jobs_requests",
                table: "jobs",
                column: "expires_at",
                filter: "request IS NOT NULL AND finished_at IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_jobs_requests",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "fast",
                table: "traffic_minutes");
        }
    }
}
