/* The table of the API's routes, below the stage /prod, as on API Gateway. */
#include "api/call.h"

static const struct api_route routes[] = {
	{ "POST /upload", upload_run, FOR_SLOTS, SCOPE_UPLOAD, .has_body = true, .start = upload_start },
	{ "POST /images", direct_run, FOR_SLOTS, SCOPE_UPLOAD, .stream = &direct_stream },
	{ "GET /images", images_list, FOR_IMAGES, SCOPE_READ },
	{ "POST /images/delete", images_delete_many, FOR_IMAGES, SCOPE_DELETE, .has_body = true, .has_large_body = true },
	{ "OPTIONS /images/delete", cors_preflight, FOR_ANYBODY, .now = true },
	{ "GET /images/{imageId}", images_get, FOR_IMAGES, SCOPE_READ, .check = wait_read, .start = wait_start },
	{ "PATCH /images/{imageId}", images_patch, FOR_IMAGES, SCOPE_UPLOAD, .has_body = true },
	{ "DELETE /images/{imageId}", images_delete, FOR_DELETE, SCOPE_DELETE },
	{ "GET /images/{imageId}/file", images_file, FOR_IMAGES, SCOPE_READ },
	{ "GET /images/{imageId}/thumbnail", images_thumbnail, FOR_IMAGES, SCOPE_READ },
	{ "POST /images/{imageId}/complete", images_complete, FOR_IMAGES, SCOPE_UPLOAD },
	{ "POST /images/{imageId}/links", images_link, FOR_IMAGES, SCOPE_READ, .has_body = true },
	{ "GET /keys", keys_list, FOR_ADMINS },
	{ "POST /keys", keys_add, FOR_ADMINS, .has_body = true },
	{ "DELETE /keys/{keyId}", keys_remove, FOR_ADMINS },
	{ "OPTIONS /keys", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /keys/{keyId}", cors_preflight, FOR_ANYBODY, .now = true },
	{ "GET /limits", limits_run, FOR_ANYBODY, .now = true },
	{ "POST /uppy", upload_run, FOR_SLOTS, SCOPE_UPLOAD, .has_body = true, .for_uppy = true, .start = upload_start },
	{ "OPTIONS /upload", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}/file", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}/thumbnail", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}/complete", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /images/{imageId}/links", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /limits", cors_preflight, FOR_ANYBODY, .now = true },
	{ "OPTIONS /uppy", cors_preflight, FOR_ANYBODY, .now = true },
};

const struct router api_routes = ROUTER("/prod", routes, "No such path; the API is under /prod, without a trailing slash.");
