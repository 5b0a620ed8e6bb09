using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace InferenceTemplate.Inference.Store.Migrations
{
    /// <inheritdoc />
    public partial class Tenancy : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "allow_overdraft",
                table: "tenants",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "burst",
                table: "tenants",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "deleted_at",
                table: "tenants",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "max_concurrency",
                table: "tenants",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<string[]>(
                name: "models",
                table: "tenants",
                type: "text[]",
                nullable: true);

            migrationBuilder.AddColumn<decimal>(
                name: "monthly_budget",
                table: "tenants",
                type: "numeric(18,4)",
                precision: 18,
                scale: 4,
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "monthly_inferences",
                table: "tenants",
                type: "bigint",
                nullable: true);

            migrationBuilder.AddColumn<short>(
                name: "priority_ceiling",
                table: "tenants",
                type: "smallint",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "requests_per_minute",
                table: "tenants",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "retention_days",
                table: "tenants",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "suspended_at",
                table: "tenants",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "created_by",
                table: "api_keys",
                type: "character varying(200)",
                maxLength: 200,
                nullable: true);

            migrationBuilder.AddColumn<string[]>(
                name: "models",
                table: "api_keys",
                type: "text[]",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "replaces",
                table: "api_keys",
                type: "uuid",
                nullable: true);

            migrationBuilder.UpdateData(
                table: "tenants",
                keyColumn: "id",
                keyValue: "default",
                columns: new[] { "allow_overdraft", "burst", "deleted_at", "max_concurrency", "models", "monthly_budget", "monthly_inferences", "priority_ceiling", "requests_per_minute", "retention_days", "suspended_at" },
                values: new object[] { false, null, null, 0, null, 0m, 0L, null, 0, null, null });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "allow_overdraft",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "burst",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "deleted_at",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "max_concurrency",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "models",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "monthly_budget",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "monthly_inferences",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "priority_ceiling",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "requests_per_minute",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "retention_days",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "suspended_at",
                table: "tenants");

            migrationBuilder.DropColumn(
                name: "created_by",
                table: "api_keys");

            migrationBuilder.DropColumn(
                name: "models",
                table: "api_keys");

            migrationBuilder.DropColumn(
                name: "replaces",
                table: "api_keys");
        }
    }
}
