using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Data.Migrations
{
    /// <inheritdoc />
    public partial class Tokens : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(name: "monthly_tokens", table: "tenants", type: "bigint", nullable: true);
            migrationBuilder.UpdateData(table: "tenants", keyColumn: "id", keyValue: "default", column: "monthly_tokens", value: 0L);
            migrationBuilder.AddColumn<long>(
                name: "tokens", table: "tenant_months", type: "bigint", nullable: false, defaultValue: 0L);
            foreach (var table in new[] { "usage_entries", "usage_hours" })
            {
                foreach (var column in new[] { "prompt_tokens", "completion_tokens" })
                {
                    migrationBuilder.AddColumn<long>(
                        name: column, table: table, type: "bigint", nullable: false, defaultValue: 0L);
                }
            }
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            foreach (var table in new[] { "usage_entries", "usage_hours" })
            {
                migrationBuilder.DropColumn(name: "prompt_tokens", table: table);
                migrationBuilder.DropColumn(name: "completion_tokens", table: table);
            }

            migrationBuilder.DropColumn(name: "tokens", table: "tenant_months");
            migrationBuilder.DropColumn(name: "monthly_tokens", table: "tenants");
        }
    }
}
