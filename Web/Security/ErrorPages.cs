using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Diagnostics;

namespace InferenceTemplate.Web.Security;

/// <summary>Errors as pages for people, where the services' common form is problem details for programs.</summary>
internal static class ErrorPages
{
    /// <summary>Leaves error answers without a body, so that the pages below give them one.</summary>
    public static void AddErrorPages(this IHostApplicationBuilder builder) =>
        builder.Services.Configure<ErrorResponses>(errors => errors.Map(PathString.Empty, (_, _) => Task.CompletedTask));

    /// <summary>Shows <c>/status/{code}</c> for an error; in Development an exception has its own page.</summary>
    public static void UseErrorPages(this WebApplication app)
    {
        app.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true);

        if (!app.Environment.IsDevelopment())
        {
            // Within the pages above, so that an exception, too, ends as one of them.
            app.UseExceptionHandler();
            app.UseHsts();
        }
    }

    /// <summary>Checks the antiforgery tokens of forms, and ends the request where one is wrong.</summary>
    public static void UseFormChecks(this WebApplication app)
    {
        // A component endpoint would answer with a blank page, and the page about the refusal, as a POST, would be refused as well.
        app.Use((context, next) =>
        {
            if (context.Features.Get<IStatusCodeReExecuteFeature>() is not null)
            {
                context.Request.Method = HttpMethods.Get;
                context.Features.Set<IAntiforgeryValidationFeature>(null);
            }

            return next(context);
        });
        app.UseAntiforgery();
        app.Use((context, next) =>
        {
            if (context.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false })
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        });
    }
}
