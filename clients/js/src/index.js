// The client of tintype, an image backend. README.md shows how it is used.
export { Client } from './client.js';
export { TintypeError } from './error.js';
export { srcset } from './links.js';
export { typeOfBlob, typeOfBytes, typeOfFile } from './media_type.js';
export { UploadQueue } from './queue.js';
export { sendToSlot, Upload } from './upload.js';
export { verifyWebhook } from './webhook.js';

/**
 * @typedef {import('./client.js').ClientOptions} ClientOptions
 * @typedef {import('./client.js').CallOptions} CallOptions
 * @typedef {import('./client.js').FileOptions} FileOptions
 * @typedef {import('./client.js').SlotOptions} SlotOptions
 * @typedef {import('./client.js').Uploaded} Uploaded
 * @typedef {import('./file.js').FileContent} FileContent
 * @typedef {import('./queue.js').QueueOptions} QueueOptions
 * @typedef {import('./queue.js').UploadItem} UploadItem
 * @typedef {import('./retry.js').RetryOptions} RetryOptions
 * @typedef {import('./send.js').SendOptions} SendOptions
 * @typedef {import('./types.js').Caller} Caller
 * @typedef {import('./types.js').Changes} Changes
 * @typedef {import('./types.js').Deleted} Deleted
 * @typedef {import('./types.js').Image} Image
 * @typedef {import('./types.js').ImageEvent} ImageEvent
 * @typedef {import('./types.js').Limits} Limits
 * @typedef {import('./types.js').Link} Link
 * @typedef {import('./types.js').Links} Links
 * @typedef {import('./types.js').ListedImage} ListedImage
 * @typedef {import('./types.js').ListQuery} ListQuery
 * @typedef {import('./types.js').PendingImage} PendingImage
 * @typedef {import('./types.js').RejectedImage} RejectedImage
 * @typedef {import('./types.js').Slot} Slot
 * @typedef {import('./types.js').SlotRequest} SlotRequest
 * @typedef {import('./types.js').UploadedImage} UploadedImage
 */
